import assert from "assert";
import type { PodUse } from "../node/stats.ts";
import { metricsText } from "../node/metrics.ts";
import type { Observed } from "../pods/observed.ts";
import { cadvisorMetrics } from "./families.ts";
import { deviceOf, parseBlkio, parseIoStat, parseNetDev, readDetails } from "./kernel.ts";
import { lookForCadvisor } from "./look.ts";

const v2: Record<string, string> = {
  "/proc/7/cgroup": "0::/machine.slice/c.scope\n",
  "/sys/fs/cgroup/machine.slice/c.scope/cpu.stat": "usage_usec 3000000\nuser_usec 2000000\nsystem_usec 1000000\n" +
    "nr_periods 10\nnr_throttled 4\nthrottled_usec 500000\n",
  "/sys/fs/cgroup/machine.slice/c.scope/memory.stat": "anon 9\nfile 100\nfile_mapped 60\npgfault 8\npgmajfault 2\n",
  "/sys/fs/cgroup/machine.slice/c.scope/memory.events": "low 0\nmax 5\noom 1\noom_kill 1\n",
  "/sys/fs/cgroup/machine.slice/c.scope/memory.peak": "4096\n",
  "/sys/fs/cgroup/machine.slice/c.scope/memory.swap.current": "16\n",
  "/sys/fs/cgroup/machine.slice/c.scope/cgroup.procs": "7\n8\n",
  "/sys/fs/cgroup/machine.slice/c.scope/io.stat": "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0\n7:9 rbytes=1\n",
  "/sys/dev/block/8:0/uevent": "MAJOR=8\nMINOR=0\nDEVNAME=sda\nDEVTYPE=disk\n",
};
const details = {
  cgroup: "/machine.slice/c.scope",
  cpu: { userSeconds: 2, systemSeconds: 1 },
  throttling: { periods: 10, throttledPeriods: 4, throttledSeconds: 0.5 },
  memory: {
    cacheBytes: 100,
    mappedBytes: 60,
    swapBytes: 16,
    peakBytes: 4096,
    limitHits: 5,
    oomKills: 1,
    faults: 8,
    majorFaults: 2,
  },
  processes: 2,
  disks: [{ device: "/dev/sda", readBytes: 1, writtenBytes: 2, reads: 3, writes: 4 }],
};
const v1: Record<string, string> = {
  "/proc/7/cgroup": "4:memory:/m\n3:cpu,cpuacct:/c\n2:blkio:/b\n0::/\n",
  "/sys/fs/cgroup/cpuacct/c/cpuacct.stat": "user 200\nsystem 100\n",
  "/sys/fs/cgroup/cpu/c/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 500000000\n",
  "/sys/fs/cgroup/memory/m/memory.stat": "cache 1\ntotal_cache 100\ntotal_mapped_file 60\ntotal_swap 16\n" +
    "total_pgfault 8\ntotal_pgmajfault 2\n",
  "/sys/fs/cgroup/memory/m/memory.max_usage_in_bytes": "4096\n",
  "/sys/fs/cgroup/memory/m/memory.failcnt": "5\n",
  "/sys/fs/cgroup/memory/m/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n",
  "/sys/fs/cgroup/memory/m/cgroup.procs": "7\n8\n",
  "/sys/fs/cgroup/blkio/b/blkio.throttle.io_service_bytes_recursive": "8:0 Read 1\n8:0 Write 2\n8:0 Sync 9\nTotal 3\n",
  "/sys/fs/cgroup/blkio/b/blkio.throttle.io_serviced_recursive": "8:0 Read 3\n8:0 Write 4\nTotal 7\n",
  "/sys/dev/block/8:0/uevent": v2["/sys/dev/block/8:0/uevent"]!,
};
const reader = (files: Record<string, string>) => (path: string) => Promise.resolve(files[path]);

Deno.test("readDetails() finds the same in both versions of control groups", async () => {
  assert.deepEqual(await readDetails(7, reader(v2)), details);
  assert.deepEqual(await readDetails(7, reader(v1)), { ...details, cgroup: "/m" });
});

Deno.test("readDetails() knows nothing of who has ended, or is in a namespace of its own", async () => {
  assert.equal(await readDetails(8, reader(v2)), undefined);
  assert.equal(await readDetails(7, reader({ "/proc/7/cgroup": "0::/\n" })), undefined);
  assert.equal(await readDetails(7, reader({ "/proc/7/cgroup": v2["/proc/7/cgroup"]! })), undefined);
});

Deno.test("parseIoStat() and parseBlkio() take what there is", () => {
  assert.deepEqual(parseIoStat("8:16 \n"), [{ device: "8:16", readBytes: 0, writtenBytes: 0, reads: 0, writes: 0 }]);
  assert.deepEqual(parseIoStat(""), []);
  assert.deepEqual(parseBlkio("", ""), []);
});

const netDev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
sp9f8935c5e59d5:  1       1    0    0    0     0          0         0        1       1    0    0    0     0       0          0
  eth0:    2000      20    3    4    0     0          0         0     1000      10    1    2    0     0       0          0
`;

Deno.test("parseNetDev() reads the ends that are a pod's", () => {
  assert.deepEqual(parseNetDev(netDev), [{
    name: "eth0",
    receive: { bytes: 2000, packets: 20, errors: 3, dropped: 4 },
    transmit: { bytes: 1000, packets: 10, errors: 1, dropped: 2 },
  }]);
});

Deno.test("deviceOf() finds the file system that a path is on", () => {
  const mounts = "/dev/sda1 / ext4 rw 0 0\n/dev/sdb1 /var/lib xfs rw 0 0\ntmpfs /var/lib\\040x tmpfs rw 0 0\n";
  assert.equal(deviceOf(mounts, "/var/lib/sauropod"), "/dev/sdb1");
  assert.equal(deviceOf(mounts, "/var/library"), "/dev/sda1");
  assert.equal(deviceOf(mounts, "/var/lib x/y"), "tmpfs");
  assert.equal(deviceOf("", "/var"), undefined);
});

const pod = (name: string, more: object = {}) => ({ metadata: { name, namespace: "ns", uid: name }, spec: more });
const uses = (name: string, pid: number, limits: object | undefined, more: object = {}) =>
  ({
    pod: pod(name, more),
    containers: [{
      name: "app",
      container: { id: `id-${name}`, image: "busybox:1.36", startedMs: 1_500, pid },
      stats: {
        timeMs: 9_000,
        cpuNanos: 3e9,
        memoryUsageBytes: 300,
        memoryWorkingSetBytes: 200,
        memoryRssBytes: 100,
        pids: 5,
        ...(limits === undefined ? {} : { limits }),
      },
    }],
  }) as unknown as PodUse;
const facts = {
  machineId: "m",
  bootId: "b",
  systemUuid: "s",
  cpus: 4,
  kernelVersion: "6.1",
  osImage: "Debian",
  architecture: "amd64",
  memoryBytes: 8192,
  diskBytes: 100,
};
const disk = (name: "nodefs" | "imagefs") =>
  ({ name, totalBytes: 100, availableBytes: 40, totalInodes: 10, freeInodes: 5 }) as const;
const host = {
  timeMs: 9_500,
  cpuNanos: 60e9,
  memoryBytes: 8192,
  usage: { memoryAvailableBytes: 2048, disks: [disk("nodefs"), disk("imagefs")], processes: 1, processesMax: 2 },
};

async function text(): Promise<string[]> {
  const view = await lookForCadvisor({
    facts,
    host,
    pods: [
      uses("p", 7, { nanoCpus: 5e8, memoryBytes: 4096, cpuShares: 512 }),
      uses("h", 99, undefined, { hostNetwork: true }),
    ],
    sandboxes: (uid) => [{ id: `sandbox-${uid}`, image: "infra", pid: 6, state: "running" } as Observed],
    paths: { data: "/var/lib/sauropod", images: "/var/lib/containers" },
    read: reader({
      ...v2,
      "/proc/6/net/dev": netDev,
      "/proc/self/net/dev": netDev,
      "/proc/self/mounts": "/dev/vda1 / ext4 rw 0 0\n",
      "/proc/meminfo":
        "MemTotal: 8 kB\nMemFree: 1 kB\nAnonPages: 3 kB\nCached: 2 kB\nSwapTotal: 4 kB\nSwapFree: 1 kB\n",
    }),
  });
  return metricsText(cadvisorMetrics(view)).split("\n");
}

Deno.test("cadvisorMetrics() has the names and labels that dashboards ask for", async () => {
  const lines = await text();
  const of = (id: string, name: string) =>
    `container="app",id="${id}",image="busybox:1.36",name="id-${name}",namespace="ns",pod="${name}"`;
  const [p, h] = [of("/machine.slice/c.scope", "p"), of("/id-h", "h")];
  const root = 'container="",id="/",image="",name="",namespace="",pod=""';
  const network = 'container="",id="/sandbox-p",image="infra",interface="eth0",name="sandbox-p",namespace="ns",pod="p"';
  const machine = 'boot_id="b",machine_id="m",system_uuid="s"';
  for (
    const line of [
      `container_cpu_usage_seconds_total{${p},cpu="total"} 3 9000`,
      `container_cpu_usage_seconds_total{${h},cpu="total"} 3 9000`,
      `container_cpu_usage_seconds_total{${root},cpu="total"} 60 9500`,
      `container_cpu_cfs_throttled_periods_total{${p}} 4 9000`,
      `container_memory_working_set_bytes{${p}} 200 9000`,
      `container_memory_working_set_bytes{${root}} 6144 9500`,
      `container_memory_usage_bytes{${root}} 7168 9500`,
      `container_memory_rss{${p}} 100 9000`,
      `container_memory_cache{${p}} 100 9000`,
      `container_memory_swap{${root}} 3072 9500`,
      `container_memory_failures_total{${p},failure_type="pgmajfault",scope="container"} 2 9000`,
      `container_oom_events_total{${p}} 1 9000`,
      `container_fs_writes_bytes_total{${p},device="/dev/sda"} 2 9000`,
      `container_fs_usage_bytes{${root},device="/dev/vda1"} 60 9500`,
      `container_network_receive_bytes_total{${network}} 2000 9500`,
      `container_network_transmit_packets_dropped_total{${network}} 2 9500`,
      `container_network_receive_bytes_total{${root},interface="eth0"} 2000 9500`,
      `container_spec_cpu_quota{${p}} 50000 9000`,
      `container_spec_memory_limit_bytes{${p}} 4096 9000`,
      `container_processes{${p}} 2 9000`,
      `container_threads{${h}} 5 9000`,
      `container_start_time_seconds{${p}} 1 9000`,
      `machine_cpu_cores{${machine}} 4`,
      `machine_memory_bytes{${machine}} 8192`,
      `machine_swap_bytes{${machine}} 4096`,
      "container_scrape_error 0",
    ]
  ) {
    assert.ok(lines.includes(line), line);
  }
});

Deno.test("cadvisorMetrics() says nothing of what it does not know", async () => {
  const lines = await text();
  // No quota, no details, the host's network.
  const ofH = lines.filter((line) => line.includes('pod="h"')).map((line) => line.split("{")[0]);
  assert.deepEqual(ofH, [
    "container_cpu_usage_seconds_total",
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_memory_rss",
    "container_last_seen",
    "container_threads",
    "container_start_time_seconds",
  ]);
  // One sample for each set of labels, and none twice.
  const series = lines.filter((line) => line !== "" && !line.startsWith("#")).map((line) => line.replace(/}.*/, ""));
  assert.equal(new Set(series).size, series.length);
  assert.ok(!lines.some((line) => /undefined|NaN/.test(line)));
});
