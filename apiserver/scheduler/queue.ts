/**
 * Pods that wait for a Node: ready ones by priority and age, ones that back off after a failure, and ones that no Node takes until something
 * changes that could help them (pkg/scheduler/backend/queue).
 */
import { schedulingBackoff, unschedulableFlushMs, unschedulableMaxMs } from "../../lib/limits.ts";
import { backoffMs } from "../../lib/queue/backoff.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { Heap } from "./heap.ts";
import type { PodInfo } from "./pod_info.ts";

export interface Entry {
  info: PodInfo;
  /** Attempts that failed. */
  attempts: number;
  /** When it came into the queue, or was last tried. */
  since: Instant;
  /** The filters that refused it. Empty: it failed for another reason. */
  plugins: ReadonlySet<string>;
  /** When its schedulingBackoff ends. */
  retryAt: Instant;
  place: "ready" | "schedulingBackoff" | "unschedulable" | "out";
  readonly order: number;
}

export class SchedulingQueue {
  readonly #entries = new Map<string, Entry>();
  readonly #ready = new Heap<Entry>(goesFirst);
  readonly #schedulingBackoff = new Heap<Entry>((a, b) => a.retryAt < b.retryAt);
  /** Filter → the pods that it refused; those that failed otherwise are under "". */
  readonly #unschedulable = new Map<string, Set<Entry>>();
  #order = 0;
  #waiting: (() => void) | undefined;
  #cancelTimer = () => {};
  #cancelFlush = () => {};
  #closed = false;

  constructor(readonly clock: Clock) {
    this.#flushLater();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** How many wait, by Kubernetes' names of the queues. */
  get pending(): { active: number; backoff: number; unschedulable: number } {
    const pending = { active: 0, backoff: 0, unschedulable: 0 };
    for (const { place } of this.#entries.values()) {
      if (place === "ready") pending.active++;
      else if (place === "schedulingBackoff") pending.backoff++;
      else if (place === "unschedulable") pending.unschedulable++;
    }
    return pending;
  }

  /** A pod that is new here, or has changed in a way that could make it fit: it is tried soon. */
  add(info: PodInfo): void {
    const known = this.#entries.get(info.uid);
    if (known !== undefined) {
      known.info = info;
      // Its place in the heap goes by its priority, which no update changes.
      if (known.place === "unschedulable") this.#move(known);
      return;
    }
    const now = this.clock.now();
    const entry: Entry = {
      info,
      attempts: 0,
      since: now,
      plugins: new Set(),
      retryAt: now,
      place: "out",
      order: this.#order++,
    };
    this.#entries.set(info.uid, entry);
    this.#makeReady(entry);
  }

  /** Takes over what has changed about a pod without trying it again. */
  update(info: PodInfo): void {
    const known = this.#entries.get(info.uid);
    if (known !== undefined) known.info = info;
  }

  has(uid: string): boolean {
    return this.#entries.has(uid);
  }

  remove(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    this.#leavePool(entry);
    entry.place = "out";
  }

  /** The next pod to try: a ready one, otherwise the one whose schedulingBackoff ends first (an idle scheduler need not wait for it). */
  pop(): Entry | undefined {
    for (const heap of [this.#ready, this.#schedulingBackoff]) {
      const place = heap === this.#ready ? "ready" : "schedulingBackoff";
      for (let entry = heap.peek(); entry !== undefined; entry = heap.peek()) {
        // Entries that were moved or removed stay in the heap until they come up.
        if (entry.place === place && this.#entries.get(entry.info.uid) === entry) {
          // What failed by an error waits for its time: trying at once would be a storm.
          if (place === "schedulingBackoff" && entry.plugins.size === 0 && entry.retryAt > this.clock.now()) {
            return undefined;
          }
          heap.pop();
          entry.place = "out";
          return entry;
        }
        heap.pop();
      }
    }
    return undefined;
  }

  /** Resolves when pop() may have something, or the queue is closed. */
  wait(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = resolve;
      const next = this.#schedulingBackoff.peek();
      if (next === undefined) return;
      this.#cancelTimer();
      this.#cancelTimer = this.clock.after(next.retryAt - this.clock.now(), () => this.#wake());
    });
  }

  /** No Node took the pod, for these filters' reasons: it waits for a change that concerns them. */
  refused(entry: Entry, plugins: ReadonlySet<string>): void {
    if (this.#entries.get(entry.info.uid) !== entry) return;
    this.#failed(entry, plugins);
    entry.place = "unschedulable";
    for (const plugin of plugins.size === 0 ? [""] : plugins) {
      this.#unschedulable.set(plugin, (this.#unschedulable.get(plugin) ?? new Set()).add(entry));
    }
  }

  /** The attempt failed by an error: it is repeated after a schedulingBackoff. */
  retry(info: PodInfo, attempts: number): void {
    let entry = this.#entries.get(info.uid);
    if (entry === undefined) {
      const now = this.clock.now();
      entry = { info, attempts, since: now, plugins: new Set(), retryAt: now, place: "out", order: this.#order++ };
      this.#entries.set(info.uid, entry);
    }
    this.#failed(entry, new Set());
    this.#backOff(entry);
  }

  /** The pod was placed; its binding may still fail. */
  placed(entry: Entry): void {
    this.remove(entry.info.uid);
  }

  /** Something has changed that concerns these filters: tries the pods again that they refused and that `helps` picks. */
  changed(plugins: readonly string[] | "all", helps: (entry: Entry) => boolean = () => true): void {
    const names = plugins === "all" ? [...this.#unschedulable.keys()] : plugins;
    for (const name of names) {
      for (const entry of [...this.#unschedulable.get(name) ?? []]) if (helps(entry)) this.#move(entry);
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancelFlush();
    this.#wake();
  }

  #failed(entry: Entry, plugins: ReadonlySet<string>): void {
    const now = this.clock.now();
    entry.plugins = plugins;
    entry.since = now;
    entry.retryAt = now + backoffMs(schedulingBackoff, entry.attempts++);
  }

  /** From the pool of unschedulable pods to the ready ones, or the schedulingBackoff that is not over. */
  #move(entry: Entry): void {
    this.#leavePool(entry);
    if (entry.retryAt <= this.clock.now()) this.#makeReady(entry);
    else this.#backOff(entry);
  }

  #leavePool(entry: Entry): void {
    if (entry.place !== "unschedulable") return;
    for (const plugin of entry.plugins.size === 0 ? [""] : entry.plugins) {
      const set = this.#unschedulable.get(plugin);
      set?.delete(entry);
      if (set?.size === 0) this.#unschedulable.delete(plugin);
    }
  }

  #makeReady(entry: Entry): void {
    entry.place = "ready";
    this.#ready.push(entry);
    this.#wake();
  }

  #backOff(entry: Entry): void {
    entry.place = "schedulingBackoff";
    this.#schedulingBackoff.push(entry);
    this.#wake();
  }

  #wake(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.();
  }

  #flushLater(): void {
    this.#cancelFlush = this.clock.after(unschedulableFlushMs, () => {
      const before = this.clock.now() - unschedulableMaxMs;
      this.changed("all", (entry) => entry.since <= before);
      this.#flushLater();
    });
  }
}

/** Higher priority first, then who has waited longer. */
function goesFirst(a: Entry, b: Entry): boolean {
  if (a.info.priority !== b.info.priority) return a.info.priority > b.info.priority;
  return a.since !== b.since ? a.since < b.since : a.order < b.order;
}
