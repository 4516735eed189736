/** What the kernel counts of a container, a network namespace and the host, beyond what every look at statistics needs: only read when asked. */
import { parseCgroups } from "../engine/stats.ts";

/** Undefined for a file that is not there. */
export type ReadFile = (path: string) => Promise<string | undefined>;

export interface Details {
  /** The path of its control group. */
  readonly cgroup: string;
  readonly cpu: { readonly userSeconds: number; readonly systemSeconds: number };
  /** Of its quota. */
  readonly throttling: {
    readonly periods: number;
    readonly throttledPeriods: number;
    readonly throttledSeconds: number;
  };
  readonly memory: Memory;
  readonly processes: number;
  readonly disks: readonly DiskCounts[];
}

export interface Memory {
  readonly cacheBytes: number;
  readonly mappedBytes: number;
  readonly swapBytes: number;
  readonly peakBytes: number;
  /** How often the limit was hit. */
  readonly limitHits: number;
  readonly oomKills: number;
  readonly faults: number;
  readonly majorFaults: number;
}

export interface DiskCounts {
  /** `/dev/sda` */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
}

export interface Direction {
  readonly bytes: number;
  readonly packets: number;
  readonly errors: number;
  readonly dropped: number;
}

export interface InterfaceCounts {
  readonly name: string;
  readonly receive: Direction;
  readonly transmit: Direction;
}

const root = "/sys/fs/cgroup";
/** The kernel's, for processes: USER_HZ, on every architecture that we run on. */
const ticksPerSecond = 100;

/** The number on the line that begins with `name`; 0 without one. */
const field = (text: string | undefined, name: string) =>
  Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text ?? "")?.[1] ?? 0);
const lines = (text: string | undefined) => (text ?? "").split("\n").filter((line) => line !== "");

/** Undefined where its control groups can't be read (another cgroup namespace, or the process has ended). */
export async function readDetails(pid: number, read: ReadFile): Promise<Details | undefined> {
  const text = await read(`/proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const groups = parseCgroups(text);
  if (groups.has("memory")) return await readV1(groups, read);
  const cgroup = groups.get("") ?? "/";
  return cgroup === "/" ? undefined : await readV2(cgroup, read);
}

async function readV2(cgroup: string, read: ReadFile): Promise<Details | undefined> {
  const file = (name: string) => read(`${root}${cgroup}/${name}`);
  const [cpu, stat] = [await file("cpu.stat"), await file("memory.stat")];
  if (cpu === undefined || stat === undefined) return undefined;
  const events = await file("memory.events");
  return {
    cgroup,
    cpu: { userSeconds: field(cpu, "user_usec") / 1e6, systemSeconds: field(cpu, "system_usec") / 1e6 },
    throttling: {
      periods: field(cpu, "nr_periods"),
      throttledPeriods: field(cpu, "nr_throttled"),
      throttledSeconds: field(cpu, "throttled_usec") / 1e6,
    },
    memory: {
      cacheBytes: field(stat, "file"),
      mappedBytes: field(stat, "file_mapped"),
      swapBytes: Number(await file("memory.swap.current") ?? 0),
      peakBytes: Number(await file("memory.peak") ?? 0),
      limitHits: field(events, "max"),
      oomKills: field(events, "oom_kill"),
      faults: field(stat, "pgfault"),
      majorFaults: field(stat, "pgmajfault"),
    },
    processes: lines(await file("cgroup.procs")).length,
    disks: await named(parseIoStat(await file("io.stat") ?? ""), read),
  };
}

async function readV1(groups: ReadonlyMap<string, string>, read: ReadFile): Promise<Details | undefined> {
  const file = async (controller: string, name: string) => {
    const group = groups.get(controller);
    return group === undefined ? undefined : await read(`${root}/${controller}${group}/${name}`);
  };
  const [stat, ticks] = [await file("memory", "memory.stat"), await file("cpuacct", "cpuacct.stat")];
  if (stat === undefined || ticks === undefined) return undefined;
  const cpu = await file("cpu", "cpu.stat");
  const [bytes, operations] = [
    await file("blkio", "blkio.throttle.io_service_bytes_recursive"),
    await file("blkio", "blkio.throttle.io_serviced_recursive"),
  ];
  return {
    cgroup: groups.get("memory")!,
    cpu: { userSeconds: field(ticks, "user") / ticksPerSecond, systemSeconds: field(ticks, "system") / ticksPerSecond },
    throttling: {
      periods: field(cpu, "nr_periods"),
      throttledPeriods: field(cpu, "nr_throttled"),
      throttledSeconds: field(cpu, "throttled_time") / 1e9,
    },
    memory: {
      cacheBytes: field(stat, "total_cache"),
      mappedBytes: field(stat, "total_mapped_file"),
      swapBytes: field(stat, "total_swap"),
      peakBytes: Number(await file("memory", "memory.max_usage_in_bytes") ?? 0),
      limitHits: Number(await file("memory", "memory.failcnt") ?? 0),
      oomKills: field(await file("memory", "memory.oom_control"), "oom_kill"),
      faults: field(stat, "total_pgfault"),
      majorFaults: field(stat, "total_pgmajfault"),
    },
    processes: lines(await file("memory", "cgroup.procs")).length,
    disks: await named(parseBlkio(bytes ?? "", operations ?? ""), read),
  };
}

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`; devices are `8:0`. */
export function parseIoStat(text: string): DiskCounts[] {
  return lines(text).map((line) => {
    const value = (key: string) => Number(new RegExp(` ${key}=(\\d+)`).exec(line)?.[1] ?? 0);
    return {
      device: line.split(" ")[0]!,
      readBytes: value("rbytes"),
      writtenBytes: value("wbytes"),
      reads: value("rios"),
      writes: value("wios"),
    };
  });
}

/** Lines like `8:0 Read 1`; devices are `8:0`. */
export function parseBlkio(bytes: string, operations: string): DiskCounts[] {
  const value = (text: string, device: string, what: string) =>
    Number(new RegExp(`^${device} ${what} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  const devices = new Set([...bytes.matchAll(/^(\d+:\d+) Read /gm)].map(([, device]) => device!));
  return [...devices].map((device) => ({
    device,
    readBytes: value(bytes, device, "Read"),
    writtenBytes: value(bytes, device, "Write"),
    reads: value(operations, device, "Read"),
    writes: value(operations, device, "Write"),
  }));
}

/** Devices by their names; those that have none any longer are left out. */
async function named(disks: readonly DiskCounts[], read: ReadFile): Promise<DiskCounts[]> {
  const all: DiskCounts[] = [];
  for (const disk of disks) {
    const name = /^DEVNAME=(.+)$/m.exec(await read(`/sys/dev/block/${disk.device}/uevent`) ?? "")?.[1];
    if (name !== undefined) all.push({ ...disk, device: `/dev/${name}` });
  }
  return all;
}

/** Loops, engines' bridges, and the host's ends of pods' links (agent/network/names.ts): a pod's traffic is counted at its own end. */
const ignored = /^(lo$|veth|docker|podman|sp[0-9a-f]{13}$)/;

/** /proc/PID/net/dev */
export function parseNetDev(text: string): InterfaceCounts[] {
  return lines(text).flatMap((line) => {
    const [, name, rest] = /^\s*([^\s:|]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || ignored.test(name)) return [];
    const values = rest!.trim().split(/\s+/).map(Number);
    const direction = (at: number): Direction => ({
      bytes: values[at] ?? 0,
      packets: values[at + 1] ?? 0,
      errors: values[at + 2] ?? 0,
      dropped: values[at + 3] ?? 0,
    });
    return [{ name, receive: direction(0), transmit: direction(8) }];
  });
}

/** The device of the file system that holds `path`, from /proc/self/mounts: the longest mount point above it; of several the last. */
export function deviceOf(mounts: string, path: string): string | undefined {
  let found: { device: string; point: string } | undefined;
  for (const line of lines(mounts)) {
    const [device = "", point = ""] = line.split(" ").map((word) =>
      word.replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(parseInt(code, 8)))
    );
    const isAbove = point === "/" || path === point || path.startsWith(`${point}/`);
    if (isAbove && point.length >= (found?.point.length ?? 0)) found = { device, point };
  }
  return found?.device;
}
