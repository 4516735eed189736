/** What the pods of this node use: for /stats/summary and the metrics. Asked of the engine at most once a second. */
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { ContainerStats, Engine } from "../engine/engine.ts";
import type { Observed } from "../pods/observed.ts";

export interface ContainerUse {
  readonly name: string;
  readonly container: Observed;
  readonly stats: ContainerStats;
  /** What it uses now, in billionths of a core: since the last look at it. Absent at the first. */
  readonly nanoCores?: number;
}

export interface PodUse {
  readonly pod: Pod;
  readonly containers: readonly ContainerUse[];
}

export interface StatsSource {
  /** Pods that are here, with their running containers. */
  running(): Iterable<{ pod: Pod; containers: readonly Observed[] }>;
}

/** The API server asks every ten seconds, and twice in two seconds at first. */
const freshMs = 1_000;
const questionsMax = 8;

export function createPodStats({ engine, clock, source }: { engine: Engine; clock: Clock; source: StatsSource }) {
  let before = new Map<string, ContainerStats>();
  let last: { at: Instant; use: Promise<PodUse[]> } | undefined;

  async function ask(): Promise<PodUse[]> {
    const wanted = [...source.running()].map(({ pod, containers }) => ({
      pod,
      containers,
      found: [] as ContainerUse[],
    }));
    const queue = wanted.flatMap((entry) => entry.containers.map((container) => ({ entry, container })));
    const work = async () => {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { container, entry } = next;
        // It may have ended since: then it uses nothing.
        const stats = await engine.stats(container.id).catch(() => undefined);
        if (stats !== undefined) entry.found.push(useOf(container, stats));
      }
    };
    await Promise.all(Array.from({ length: questionsMax }, work));
    before = new Map(wanted.flatMap(({ found }) => found.map(({ container, stats }) => [container.id, stats])));
    return wanted.map(({ pod, found }) => ({ pod, containers: found.sort((a, b) => a.name < b.name ? -1 : 1) }));
  }
  function useOf(container: Observed, stats: ContainerStats): ContainerUse {
    return { name: container.container, container, stats, nanoCores: nanoCores(before.get(container.id), stats) };
  }
  return {
    pods(): Promise<PodUse[]> {
      const now = clock.now();
      if (last === undefined || now - last.at >= freshMs) last = { at: now, use: ask() };
      return last.use;
    },
  };
}

/** Use per second between two looks, in billionths of a core; undefined where they say nothing. */
export function nanoCores(
  before: Pick<ContainerStats, "timeMs" | "cpuNanos"> | undefined,
  now: Pick<ContainerStats, "timeMs" | "cpuNanos">,
): number | undefined {
  if (before === undefined || now.timeMs <= before.timeMs || now.cpuNanos < before.cpuNanos) return undefined;
  return Math.round((now.cpuNanos - before.cpuNanos) / ((now.timeMs - before.timeMs) / 1000));
}

export type PodStats = ReturnType<typeof createPodStats>;

/** CPU time that this host has used since it started, in nanoseconds: /proc/stat counts in hundredths of a second. */
export function hostCpuNanos(procStat: string): number {
  const all = /^cpu\s+(.*)$/m.exec(procStat)?.[1]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = all;
  return (user + nice + system + irq + softirq + steal) * 10_000_000;
}
