/** What the pods of this node use: for /stats/summary and the metrics. Asked of the engine at most once in a few seconds. */
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { ContainerStats, Engine } from "../engine/engine.ts";
import type { Observed } from "../pods/observed.ts";

export interface ContainerUse {
  readonly name: string;
  readonly container: Observed;
  readonly stats: ContainerStats;
}

export interface PodUse {
  readonly pod: Pod;
  readonly containers: readonly ContainerUse[];
}

export interface StatsSource {
  /** Pods that are here, with their running containers. */
  running(): Iterable<{ pod: Pod; containers: readonly Observed[] }>;
}

const freshMs = 5_000;
const questionsMax = 8;

export function createPodStats({ engine, clock, source }: { engine: Engine; clock: Clock; source: StatsSource }) {
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
        if (stats !== undefined) entry.found.push({ name: container.container, container, stats });
      }
    };
    await Promise.all(Array.from({ length: questionsMax }, work));
    return wanted.map(({ pod, found }) => ({ pod, containers: found.sort((a, b) => a.name < b.name ? -1 : 1) }));
  }
  return {
    pods(): Promise<PodUse[]> {
      const now = clock.now();
      if (last === undefined || now - last.at >= freshMs) last = { at: now, use: ask() };
      return last.use;
    },
  };
}

export type PodStats = ReturnType<typeof createPodStats>;

/** CPU time that this host has used since it started, in nanoseconds: /proc/stat counts in hundredths of a second. */
export function hostCpuNanos(procStat: string): number {
  const all = /^cpu\s+(.*)$/m.exec(procStat)?.[1]?.split(/\s+/).map(Number) ?? [];
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = all;
  return (user + nice + system + irq + softirq + steal) * 10_000_000;
}
