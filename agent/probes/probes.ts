/** Runs the probes of this node's containers in their time and keeps what they found. machine.ts decides what it means. */
import { getLogger } from "log";
import { probesInFlightMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Probe } from "../../lib/types/core_v1.ts";
import type { ProbeState } from "../pods/view.ts";
import {
  beginning,
  isSettled,
  nextDelayMs,
  type Outcome,
  probeOf,
  type ProbeResult,
  type ProbeType,
  probeTypes,
  type Progress,
  step,
  thresholdsOf,
  timingOf,
} from "./machine.ts";
import type { ProbeTarget } from "./target.ts";

export interface ProbesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly run: (probe: Probe, target: ProbeTarget) => Promise<Outcome>;
  /** The state of a container of this pod has changed. */
  readonly changed: (uid: string) => void;
  /** Every run, for the metrics. */
  readonly ran?: (target: ProbeTarget, type: ProbeType, run: { result: ProbeResult; tookMs: number }) => void;
  /** A run has failed: for an Event. */
  readonly failed: (target: ProbeTarget, type: ProbeType, outcome: Outcome) => void;
}

export interface Probes {
  /** The running containers of a pod: their probes run from now on, others of the pod no more. */
  sync(uid: string, targets: readonly ProbeTarget[]): void;
  /** By container id. */
  states(uid: string): ReadonlyMap<string, ProbeState>;
  close(): void;
}

interface Worker {
  target: ProbeTarget;
  readonly type: ProbeType;
  readonly probe: Probe;
  progress: Progress;
  runs: number;
  everReady: boolean;
  running: boolean;
  cancel: () => void;
  stopped: boolean;
}

const logger = getLogger(["sauropod", "agent", "probes"]);

export function createProbes(options: ProbesOptions): Probes {
  return new NodeProbes(options);
}

class NodeProbes implements Probes {
  /** uid → container id → its workers. */
  readonly #pods = new Map<string, Map<string, Worker[]>>();
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(readonly options: ProbesOptions) {}

  sync(uid: string, targets: readonly ProbeTarget[]): void {
    const containers = this.#pods.get(uid) ?? new Map<string, Worker[]>();
    const wanted = new Set(targets.map(({ containerId }) => containerId));
    for (const [id, workers] of containers) {
      if (wanted.has(id)) continue;
      for (const worker of workers) stop(worker);
      containers.delete(id);
    }
    for (const target of targets) {
      const workers = containers.get(target.containerId);
      if (workers === undefined) containers.set(target.containerId, this.#begin(uid, target));
      else {
        for (const worker of workers) {
          worker.target = target;
          if (target.terminating && worker.type !== "readiness") stop(worker);
        }
      }
    }
    if (containers.size === 0) this.#pods.delete(uid);
    else this.#pods.set(uid, containers);
  }

  #begin(uid: string, target: ProbeTarget): Worker[] {
    const workers: Worker[] = [];
    for (const type of probeTypes) {
      const probe = probeOf(target.container, type);
      if (probe === undefined || (target.terminating && type !== "readiness")) continue;
      const progress = beginning(type, target.known);
      const everReady = type === "readiness" && progress.result === "success";
      const worker: Worker = {
        target,
        type,
        probe,
        progress,
        everReady,
        runs: 0,
        running: false,
        cancel: () => {},
        stopped: isSettled(type, progress),
      };
      workers.push(worker);
      const { initialDelayMs, periodMs } = timingOf(probe);
      const begins = target.startedMs + initialDelayMs - this.options.clock.now();
      // Containers that an agent finds after its own restart are not all asked in the same moment.
      const spread = target.known === undefined ? 0 : this.options.random.number() * periodMs;
      this.#after(uid, worker, workers, Math.max(0, begins) + spread);
    }
    return workers;
  }

  #after(uid: string, worker: Worker, all: readonly Worker[], delayMs: number): void {
    worker.cancel();
    if (worker.stopped) return;
    worker.cancel = this.options.clock.after(delayMs, () => void this.#tick(uid, worker, all));
  }

  async #tick(uid: string, worker: Worker, all: readonly Worker[]): Promise<void> {
    const { clock } = this.options;
    const timing = timingOf(worker.probe);
    const startup = all.find(({ type }) => type === "startup");
    if (worker.running) return;
    if (worker.type !== "startup" && startup !== undefined && startup.progress.result !== "success") {
      // Woken when the startup probe succeeds.
      return;
    }
    worker.running = true;
    const outcome = await this.#run(worker);
    worker.running = false;
    if (worker.stopped) return;
    const ranForMs = clock.now() - worker.target.startedMs;
    const next = nextDelayMs(worker.type, timing, { everReady: worker.everReady, runs: worker.runs++, ranForMs });
    const passedOver = next.eager && outcome.result !== "success";
    if (!passedOver) this.#learn(uid, worker, all, outcome);
    if (worker.stopped) return;
    this.#after(uid, worker, all, passedOver ? next.delayMs : timing.periodMs);
  }

  #learn(uid: string, worker: Worker, all: readonly Worker[], outcome: Outcome): void {
    const before = worker.progress;
    worker.progress = step(before, thresholdsOf(worker.probe), outcome.result);
    if (outcome.result !== "success") this.options.failed(worker.target, worker.type, outcome);
    if (worker.progress.result === before.result) return;
    if (worker.type === "readiness" && worker.progress.result === "success") worker.everReady = true;
    if (isSettled(worker.type, worker.progress)) stop(worker);
    if (worker.type === "startup" && worker.progress.result === "success") {
      for (const other of all) if (other !== worker) this.#after(uid, other, all, 0);
    }
    this.options.changed(uid);
  }

  async #run(worker: Worker): Promise<Outcome> {
    if (this.#inFlight >= probesInFlightMax) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#inFlight++;
    const { clock, run, ran } = this.options;
    const began = clock.now();
    const ended = (outcome: Outcome) => {
      ran?.(worker.target, worker.type, { result: outcome.result, tookMs: clock.now() - began });
      return outcome;
    };
    try {
      return ended(await run(worker.probe, worker.target));
    } catch (error) {
      logger.warn("{type} probe of {container}: {error}", {
        type: worker.type,
        container: worker.target.container.name,
        error: String(error),
      });
      return ended({ result: "unknown", message: String(error) });
    } finally {
      this.#inFlight--;
      this.#waiting.shift()?.();
    }
  }

  states(uid: string): ReadonlyMap<string, ProbeState> {
    const states = new Map<string, ProbeState>();
    for (const [id, workers] of this.#pods.get(uid) ?? []) if (workers.length > 0) states.set(id, stateOf(workers));
    return states;
  }

  close(): void {
    for (const containers of this.#pods.values()) {
      for (const workers of containers.values()) for (const worker of workers) stop(worker);
    }
    this.#pods.clear();
  }
}

function stop(worker: Worker): void {
  worker.stopped = true;
  worker.cancel();
}

function stateOf(workers: readonly Worker[]): ProbeState {
  const of = (type: ProbeType) => workers.find((worker) => worker.type === type);
  const started = (of("startup")?.progress.result ?? "success") === "success";
  const ready = started && (of("readiness")?.progress.result ?? "success") === "success";
  for (const type of ["startup", "liveness"] as const) {
    const worker = of(type);
    if (worker?.progress.result !== "failure") continue;
    const graceSeconds = worker.probe.terminationGracePeriodSeconds;
    return { started, ready, failed: { probe: type, ...(graceSeconds === undefined ? {} : { graceSeconds }) } };
  }
  return { started, ready };
}
