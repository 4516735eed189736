/**
 * `/metrics/cadvisor`: cAdvisor's names and labels for what containers, pods' networks and the host use, as dashboards and alerts ask for
 * them (cadvisor: metrics/prometheus.go). Leaves out what only a file-by-file count would tell: writable layers. Pure.
 */
import { type Family, family } from "../node/metrics.ts";
import type { HostFacts } from "../node/facts.ts";
import type { PodUse } from "../node/stats.ts";
import type { HostUse } from "../node/summary.ts";
import type { Observed } from "../pods/observed.ts";
import type { Details, InterfaceCounts } from "./kernel.ts";

type Sample = Family["samples"][number];
type Labels = Readonly<Record<string, string>>;

export interface CadvisorContainer {
  readonly pod: PodUse["pod"];
  readonly use: PodUse["containers"][number];
  /** Absent where the kernel's files are out of reach. */
  readonly details?: Details;
}

export interface CadvisorNetwork {
  readonly pod: PodUse["pod"];
  readonly sandbox: Observed;
  /** Of the sandbox; its id where that is not known. */
  readonly cgroup?: string;
  readonly interfaces: readonly InterfaceCounts[];
}

export interface CadvisorView {
  readonly facts: Pick<HostFacts, "machineId" | "bootId" | "systemUuid" | "cpus" | "kernelVersion" | "osImage">;
  readonly host: HostUse;
  /** From /proc/meminfo. bytes */
  readonly meminfo: Readonly<Record<string, number>>;
  readonly hostInterfaces: readonly InterfaceCounts[];
  /** The file systems that hold the agent's and the engine's data. */
  readonly fileSystems: readonly { readonly device: string; readonly disk: HostUse["usage"]["disks"][number] }[];
  readonly containers: readonly CadvisorContainer[];
  readonly networks: readonly CadvisorNetwork[];
}

/** Engines are told of quotas per this. µs */
const quotaPeriod = 100_000;
const rootLabels = { container: "", id: "/", image: "", name: "", namespace: "", pod: "" };

function labelsOf({ pod, use: { name, container }, details }: CadvisorContainer): Labels {
  return {
    container: name,
    id: details?.cgroup ?? `/${container.id}`,
    image: container.image,
    name: container.id,
    namespace: pod.metadata.namespace,
    pod: pod.metadata.name,
  };
}

export function cadvisorMetrics(view: CadvisorView): Family[] {
  const families = [
    ...cpuFamilies(view),
    ...memoryFamilies(view),
    ...diskFamilies(view),
    ...networkFamilies(view),
    ...specFamilies(view),
    ...machineFamilies(view),
  ];
  // A family without samples says nothing.
  return families.filter(({ samples }) => samples.length > 0);
}

/** What is said of a container: one sample, several with labels of their own, or nothing. */
type Said = number | readonly (readonly [more: Labels, value: number])[] | undefined;

function each(view: CadvisorView, say: (container: CadvisorContainer) => Said): Sample[] {
  return view.containers.flatMap((container) => {
    const said = say(container);
    if (said === undefined) return [];
    const [labels, at] = [labelsOf(container), container.use.stats.timeMs];
    return typeof said === "number"
      ? [{ labels, value: said, at }]
      : said.map(([more, value]) => ({ labels: { ...labels, ...more }, value, at }));
  });
}

function ofHost({ host }: CadvisorView, value: number, more: Labels = {}): Sample {
  return { labels: { ...rootLabels, ...more }, value, at: host.timeMs };
}

function cpuFamilies(view: CadvisorView): Family[] {
  const counter = (name: string, help: string, say: (container: CadvisorContainer) => Said, more: Sample[] = []) =>
    family(`container_cpu_${name}`, "counter", help, [...more, ...each(view, say)]);
  const total = { cpu: "total" };
  /** Without a quota nothing is held back, and cAdvisor says nothing of it. */
  const held = (say: (throttling: Details["throttling"]) => number) => ({ use, details }: CadvisorContainer) =>
    use.stats.limits?.nanoCpus === undefined || details === undefined ? undefined : say(details.throttling);
  return [
    counter(
      "usage_seconds_total",
      "Cumulative cpu time consumed in seconds.",
      ({ use }) => [[total, use.stats.cpuNanos / 1e9]],
      [ofHost(view, view.host.cpuNanos / 1e9, total)],
    ),
    counter(
      "user_seconds_total",
      "Cumulative user cpu time consumed in seconds.",
      ({ details }) => details?.cpu.userSeconds,
    ),
    counter(
      "system_seconds_total",
      "Cumulative system cpu time consumed in seconds.",
      ({ details }) => details?.cpu.systemSeconds,
    ),
    counter("cfs_periods_total", "Number of elapsed enforcement period intervals.", held(({ periods }) => periods)),
    counter(
      "cfs_throttled_periods_total",
      "Number of throttled period intervals.",
      held(({ throttledPeriods }) => throttledPeriods),
    ),
    counter(
      "cfs_throttled_seconds_total",
      "Total time duration the container has been throttled.",
      held(({ throttledSeconds }) => throttledSeconds),
    ),
  ];
}

function memoryFamilies(view: CadvisorView): Family[] {
  const { host, meminfo } = view;
  const gauge = (name: string, help: string, say: (container: CadvisorContainer) => Said, ofRoot?: number) => {
    const first = ofRoot === undefined ? [] : [ofHost(view, ofRoot)];
    return family(`container_memory_${name}`, "gauge", help, [...first, ...each(view, say)]);
  };
  const { MemTotal: all = 0, MemFree: free = 0, Cached, AnonPages, Mapped, SwapTotal = 0, SwapFree = 0 } = meminfo;
  const faults = ({ memory: { faults, majorFaults } }: Details) =>
    ["container", "hierarchy"].flatMap((scope) => [
      [{ failure_type: "pgfault", scope }, faults] as const,
      [{ failure_type: "pgmajfault", scope }, majorFaults] as const,
    ]);
  return [
    gauge(
      "usage_bytes",
      "Current memory usage in bytes, including all memory regardless of when it was accessed",
      ({ use }) => use.stats.memoryUsageBytes,
      all - free,
    ),
    gauge(
      "working_set_bytes",
      "Current working set in bytes.",
      ({ use }) => use.stats.memoryWorkingSetBytes,
      host.memoryBytes - host.usage.memoryAvailableBytes,
    ),
    gauge("rss", "Size of RSS in bytes.", ({ use }) => use.stats.memoryRssBytes, AnonPages),
    gauge("cache", "Number of bytes of page cache memory.", ({ details }) => details?.memory.cacheBytes, Cached),
    gauge(
      "mapped_file",
      "Size of memory mapped files in bytes.",
      ({ details }) => details?.memory.mappedBytes,
      Mapped,
    ),
    gauge("swap", "Container swap usage in bytes.", ({ details }) => details?.memory.swapBytes, SwapTotal - SwapFree),
    gauge(
      "max_usage_bytes",
      "Maximum memory usage recorded in bytes",
      ({ details }) => details?.memory.peakBytes || undefined,
    ),
    family(
      "container_memory_failcnt",
      "counter",
      "Number of memory usage hits limits",
      each(view, ({ details }) => details?.memory.limitHits),
    ),
    family(
      "container_memory_failures_total",
      "counter",
      "Cumulative count of memory allocation failures.",
      each(view, ({ details }) => details && faults(details)),
    ),
    family(
      "container_oom_events_total",
      "counter",
      "Count of out of memory events observed for the container",
      each(view, ({ details }) => details?.memory.oomKills),
    ),
  ];
}

function diskFamilies(view: CadvisorView): Family[] {
  const counter = (name: string, help: string, of: (disk: Details["disks"][number]) => number) =>
    family(
      `container_fs_${name}`,
      "counter",
      help,
      each(view, ({ details }) => details?.disks.map((disk) => [{ device: disk.device }, of(disk)] as const)),
    );
  type Disk = CadvisorView["fileSystems"][number]["disk"];
  const gauge = (name: string, help: string, of: (disk: Disk) => number) =>
    family(
      `container_fs_${name}`,
      "gauge",
      help,
      view.fileSystems.map(({ device, disk }) => ofHost(view, of(disk), { device })),
    );
  return [
    counter("reads_bytes_total", "Cumulative count of bytes read", ({ readBytes }) => readBytes),
    counter("reads_total", "Cumulative count of reads completed", ({ reads }) => reads),
    counter("writes_bytes_total", "Cumulative count of bytes written", ({ writtenBytes }) => writtenBytes),
    counter("writes_total", "Cumulative count of writes completed", ({ writes }) => writes),
    gauge(
      "limit_bytes",
      "Number of bytes that can be consumed by the container on this filesystem.",
      ({ totalBytes }) => totalBytes,
    ),
    gauge(
      "usage_bytes",
      "Number of bytes that are consumed by the container on this filesystem.",
      ({ totalBytes, availableBytes }) => totalBytes - availableBytes,
    ),
    gauge("inodes_total", "Number of Inodes", ({ totalInodes }) => totalInodes),
    gauge("inodes_free", "Number of available Inodes", ({ freeInodes }) => freeInodes),
  ];
}

const counted = [
  ["bytes", "bytes", "bytes"],
  ["packets", "packets", "packets"],
  ["packets_dropped", "dropped", "packets dropped"],
  ["errors", "errors", "errors encountered"],
] as const;

/** A pod's network is its sandbox's, as with containerd: no container's name, and the image of the sandbox. */
function networkFamilies(view: CadvisorView): Family[] {
  const samples = (of: (counts: InterfaceCounts) => number): Sample[] => [
    ...view.hostInterfaces.map((one) => ofHost(view, of(one), { interface: one.name })),
    ...view.networks.flatMap(({ pod, sandbox, cgroup, interfaces }) =>
      interfaces.map((one) => ({
        labels: {
          container: "",
          id: cgroup ?? `/${sandbox.id}`,
          image: sandbox.image,
          interface: one.name,
          name: sandbox.id,
          namespace: pod.metadata.namespace,
          pod: pod.metadata.name,
        },
        value: of(one),
        at: view.host.timeMs,
      }))
    ),
  ];
  return [["receive", "received"] as const, ["transmit", "transmitted"] as const].flatMap(([direction, done]) =>
    counted.map(([name, key, what]) =>
      family(
        `container_network_${direction}_${name}_total`,
        "counter",
        what.startsWith("errors")
          ? `Cumulative count of errors encountered while ${direction === "receive" ? "receiving" : "transmitting"}`
          : `Cumulative count of ${what} ${what.endsWith("dropped") ? `while ${direction}` : done}`,
        samples((counts) => counts[direction][key]),
      )
    )
  );
}

function specFamilies(view: CadvisorView): Family[] {
  const gauge = (name: string, help: string, say: (container: CadvisorContainer) => Said) =>
    family(`container_${name}`, "gauge", help, each(view, say));
  const quota = (nanoCpus: number | undefined) =>
    nanoCpus === undefined ? undefined : Math.round(nanoCpus / 1e9 * quotaPeriod);
  return [
    gauge(
      "last_seen",
      "Last time a container was seen by the exporter",
      ({ use }) => Math.floor(use.stats.timeMs / 1000),
    ),
    gauge("processes", "Number of processes running inside the container.", ({ details }) => details?.processes),
    gauge("threads", "Number of threads running inside the container", ({ use }) => use.stats.pids),
    gauge(
      "start_time_seconds",
      "Start time of the container since unix epoch in seconds.",
      ({ use: { container } }) =>
        container.startedMs === undefined ? undefined : Math.floor(container.startedMs / 1000),
    ),
    gauge("spec_cpu_period", "CPU period of the container.", ({ use }) => use.stats.limits && quotaPeriod),
    gauge("spec_cpu_quota", "CPU quota of the container.", ({ use }) => quota(use.stats.limits?.nanoCpus)),
    gauge("spec_cpu_shares", "CPU share of the container.", ({ use }) => use.stats.limits?.cpuShares),
    gauge(
      "spec_memory_limit_bytes",
      "Memory limit for the container.",
      ({ use }) => use.stats.limits && (use.stats.limits.memoryBytes ?? 0),
    ),
    family("container_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise", [{
      value: 0,
    }]),
  ];
}

function machineFamilies({ facts, host, meminfo }: CadvisorView): Family[] {
  const labels = { boot_id: facts.bootId, machine_id: facts.machineId, system_uuid: facts.systemUuid };
  const gauge = (name: string, help: string, value: number) =>
    family(`machine_${name}`, "gauge", help, [{ labels, value }]);
  const version = {
    cadvisorRevision: "",
    cadvisorVersion: "",
    dockerVersion: "",
    kernelVersion: facts.kernelVersion,
    osVersion: facts.osImage,
  };
  const about = "A metric with a constant '1' value labeled by kernel version, OS version, docker version, cadvisor " +
    "version & cadvisor revision.";
  return [
    family("cadvisor_version_info", "gauge", about, [{ labels: version, value: 1 }]),
    gauge("cpu_cores", "Number of logical CPU cores.", facts.cpus),
    gauge("memory_bytes", "Amount of memory installed on the machine.", host.memoryBytes),
    gauge("swap_bytes", "Amount of swap memory available on the machine.", meminfo.SwapTotal ?? 0),
  ];
}
