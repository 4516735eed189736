/** What a container uses: from its control group's files (v1 and v2), or from the engine's API where they are out of reach. */
import type { AppliedLimits, ContainerStats } from "./engine.ts";

export interface ApiStats {
  read?: string;
  cpu_stats?: { cpu_usage?: { total_usage?: number } };
  memory_stats?: { usage?: number; stats?: Record<string, number> | null };
  pids_stats?: { current?: number };
}

/** From an answer of GET /containers/x/stats. Podman's has no details of memory: everything counts as in use then. */
export function statsOf(answer: ApiStats, now: number): ContainerStats {
  const usage = answer.memory_stats?.usage ?? 0;
  const detail = answer.memory_stats?.stats ?? {};
  return {
    timeMs: answer.read === undefined ? now : Date.parse(answer.read),
    cpuNanos: answer.cpu_stats?.cpu_usage?.total_usage ?? 0,
    memoryUsageBytes: usage,
    memoryWorkingSetBytes: Math.max(0, usage - (detail.total_inactive_file ?? detail.inactive_file ?? 0)),
    memoryRssBytes: detail.total_rss ?? detail.anon ?? detail.rss ?? usage,
    pids: answer.pids_stats?.current ?? 0,
  };
}

/** The lines of /proc/PID/cgroup: controller → path; the unified hierarchy (v2) is `""`. */
export function parseCgroups(text: string): Map<string, string> {
  const groups = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [, controllers, path] = line.match(/^\d+:([^:]*):(.*)$/) ?? [];
    if (path !== undefined) { for (const name of controllers!.split(",")) groups.set(name, path); }
  }
  return groups;
}

const root = "/sys/fs/cgroup";

/** Undefined where the files can't be read (another cgroup namespace, or the process has ended). */
export async function readCgroupStats(pid: number, now: number): Promise<ContainerStats | undefined> {
  const text = await readKernelFile(`/proc/${pid}/cgroup`);
  if (text === undefined) return undefined;
  const groups = parseCgroups(text);
  return groups.has("memory") ? await readV1(groups, now) : await readV2(groups.get("") ?? "/", now);
}

async function readV1(groups: Map<string, string>, timeMs: number): Promise<ContainerStats | undefined> {
  const [memory, cpu, pids] = [groups.get("memory"), groups.get("cpuacct"), groups.get("pids")];
  if (memory === undefined || cpu === undefined) return undefined;
  const [usage, detail, cpuNanos, processes] = await Promise.all([
    readKernelFile(`${root}/memory${memory}/memory.usage_in_bytes`),
    readKernelFile(`${root}/memory${memory}/memory.stat`),
    readKernelFile(`${root}/cpuacct${cpu}/cpuacct.usage`),
    pids === undefined ? undefined : readKernelFile(`${root}/pids${pids}/pids.current`),
  ]);
  if (usage === undefined || detail === undefined || cpuNanos === undefined) return undefined;
  return {
    timeMs,
    limits: await limitsV1(`${root}/memory${memory}`, `${root}/cpu${groups.get("cpu") ?? cpu}`),
    cpuNanos: Number(cpuNanos),
    memoryUsageBytes: Number(usage),
    memoryWorkingSetBytes: Math.max(0, Number(usage) - field(detail, "total_inactive_file")),
    memoryRssBytes: field(detail, "total_rss"),
    pids: Number(processes ?? 0),
  };
}

async function readV2(path: string, timeMs: number): Promise<ContainerStats | undefined> {
  // "/" would be the whole host: the process is in a cgroup namespace of its own, and its path says nothing here.
  if (path === "/") return undefined;
  const [usage, detail, cpu, processes] = await Promise.all([
    readKernelFile(`${root}${path}/memory.current`),
    readKernelFile(`${root}${path}/memory.stat`),
    readKernelFile(`${root}${path}/cpu.stat`),
    readKernelFile(`${root}${path}/pids.current`),
  ]);
  if (usage === undefined || detail === undefined || cpu === undefined) return undefined;
  return {
    timeMs,
    limits: await limitsV2(`${root}${path}`),
    cpuNanos: field(cpu, "usage_usec") * 1000,
    memoryUsageBytes: Number(usage),
    memoryWorkingSetBytes: Math.max(0, Number(usage) - field(detail, "inactive_file")),
    memoryRssBytes: field(detail, "anon"),
    pids: Number(processes ?? 0),
  };
}

async function limitsV1(memory: string, cpu: string): Promise<AppliedLimits> {
  const [limit, shares, quota, period] = await Promise.all([
    readKernelFile(`${memory}/memory.limit_in_bytes`),
    readKernelFile(`${cpu}/cpu.shares`),
    readKernelFile(`${cpu}/cpu.cfs_quota_us`),
    readKernelFile(`${cpu}/cpu.cfs_period_us`),
  ]);
  return limitsOf({ limit, quota, period, cpuShares: Number(shares ?? NaN) });
}

async function limitsV2(group: string): Promise<AppliedLimits> {
  const [limit, weight, max] = await Promise.all([
    readKernelFile(`${group}/memory.max`),
    readKernelFile(`${group}/cpu.weight`),
    readKernelFile(`${group}/cpu.max`),
  ]);
  const [quota, period] = (max ?? "").trim().split(" ");
  // The inverse of what runtimes do: 2 … 262144 shares are weights of 1 … 10000.
  const cpuShares = Math.round(2 + (Number(weight ?? NaN) - 1) * 262_142 / 9_999);
  return limitsOf({ limit, quota, period, cpuShares });
}

/** "No limit" is `max`, -1, or more than any machine has (the kernel's largest number of pages). */
export function limitsOf(
  files: { limit?: string; quota?: string; period?: string; cpuShares: number },
): AppliedLimits {
  const memoryBytes = Number(files.limit ?? NaN);
  const nanoCpus = Math.round(Number(files.quota || NaN) / Number(files.period ?? NaN) * 1e9);
  return {
    ...(memoryBytes < 2 ** 62 ? { memoryBytes } : {}),
    ...(nanoCpus > 0 ? { nanoCpus } : {}),
    ...(Number.isFinite(files.cpuShares) ? { cpuShares: files.cpuShares } : {}),
  };
}

function field(text: string, name: string): number {
  return Number(text.match(new RegExp(`^${name} (\\d+)$`, "m"))?.[1] ?? 0);
}

/** A file below /proc or /sys. Undefined where it can't be read. */
export async function readKernelFile(path: string): Promise<string | undefined> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    // Gone, or not ours to read: the caller has another way.
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) return undefined;
    // The kernel's words for a group or a process that is ending: ESRCH, ENODEV, EINVAL.
    if (error instanceof Error && /\(os error (3|19|22)\)/.test(error.message)) return undefined;
    throw error;
  }
}
