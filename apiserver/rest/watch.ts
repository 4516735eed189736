/**
 * WATCH: what is there (when asked for), then every change, in order, none twice and none missing. A watcher that reads too
 * slowly is cut off and delays nobody; one whose history is gone gets one ERROR event with a 410.
 */
import { bookmarkIntervalMs, watchBufferBytesMax, watchStartMsMax, watchTimeoutMinMs } from "../../lib/limits.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import { type CacheEvent, type Entry, Expired, type Snapshot } from "../cache/cache.ts";
import { cacheOf, type Call } from "./call.ts";
import type { Frame } from "./frames.ts";
import { negotiate } from "./negotiate.ts";
import { type ListOptions, listOptions } from "./options.ts";
import { reach } from "./read.ts";
import { type Selection, selectionOf } from "./selection.ts";
import { type Opened, openLive, openSink, type Sink } from "./sink.ts";
import { tooOld, toStatusError } from "./status_answer.ts";
import { Item, textAt } from "./text.ts";
import { viewOf } from "./view.ts";
import type { WatchCount } from "./watch_counts.ts";
import { type EventType, liveForm, type WatchForm, watchForm } from "./watch_form.ts";
import { warningHeaders } from "./warnings.ts";

/** Marks the bookmark that ends the initial events of a WatchList. */
const initialEventsEnd = { "k8s.io/initial-events-end": "true" };

export async function watch(call: Call): Promise<Response> {
  const { live, outgoing } = call.context;
  if (live !== undefined) return await begin(call, liveForm(call.resource), () => openLive(live));
  const form = watchForm(call.resource, negotiate(call.request, call.query, "watch"));
  return await begin(call, form, () => {
    const warnings: Record<string, string> = {};
    warningHeaders(call.context.warnings ?? []).forEach((value, name) => warnings[name] = value);
    return openSink({ contentType: form.contentType, outgoing, headers: { ...call.context.headers, ...warnings } });
  });
}

async function begin<F extends Frame>(call: Call, form: WatchForm<F>, open: () => Opened<F>): Promise<Response> {
  const options = listOptions(call.query, { watching: true });
  const selection = selectionOf(call.resource, call.namespace, options.labels, options.fields);
  const start = await startOf(call, options);
  const { sink, response } = open();
  void new Session(call, { options, selection, form, sink }).run(start);
  return response;
}

/** From where a watch goes: the state of a snapshot first, or only what is later than a revision. */
type Start = { snapshot: Snapshot } | { after: number } | { expired: number };

async function startOf(call: Call, options: ListOptions): Promise<Start> {
  const { cache } = call.core;
  const { resourceVersion: revision, sendInitialEvents } = options;
  if (revision === undefined) await cache.fresh();
  if (sendInitialEvents !== undefined) {
    if (revision !== undefined && revision > 0) await reach(cache, revision);
    if (sendInitialEvents) return { snapshot: cacheOf(call).snapshot() };
    return { after: revision === undefined || revision === 0 ? cache.revision : revision };
  }
  if (revision === undefined || revision === 0) return { snapshot: cacheOf(call).snapshot() };
  if (revision > cache.revision && revision > await cache.fresh()) return { expired: revision };
  return { after: revision };
}

interface SessionParts<F> {
  options: ListOptions;
  selection: Selection;
  form: WatchForm<F>;
  sink: Sink<F>;
}

/** One watcher. */
class Session<F extends Frame> {
  readonly #call: Call;
  readonly #options: ListOptions;
  readonly #selection: Selection;
  readonly #form: WatchForm<F>;
  readonly #sink: Sink<F>;
  readonly #count: WatchCount;
  /** Events that wait until what comes before them is sent; undefined when events are sent as they come. */
  #waiting: CacheEvent[] | undefined = [];
  #waitingCharacters = 0;
  /** While the window is replayed: its events are there at once, which is not the client's fault. */
  #replaying = false;
  /** Everything up to here was sent, or does not concern this watcher. */
  #revision = 0;
  #first = true;
  #over = false;
  #stop: (() => void)[] = [];

  constructor(call: Call, parts: SessionParts<F>) {
    this.#call = call;
    this.#options = parts.options;
    this.#selection = parts.selection;
    this.#form = parts.form;
    this.#sink = parts.sink;
    this.#count = call.core.watchCounts.of(call.resource);
    this.#sink.onClosed(() => this.#close());
    const { signal } = call.context;
    if (signal !== undefined) {
      const gone = () => this.#sink.end();
      signal.addEventListener("abort", gone, { once: true });
      this.#stop.push(() => signal.removeEventListener("abort", gone));
    }
  }

  async run(start: Start): Promise<void> {
    if (this.#over) return;
    try {
      this.#startTimers();
      if ("expired" in start) return this.#fail(tooOld(start.expired, this.#call.core.cache.revision));
      if ("snapshot" in start) await this.#sendState(start.snapshot);
      if (this.#over) return;
      this.#subscribe("snapshot" in start ? start.snapshot.revision : start.after);
      await this.#sendWaiting();
      this.#started();
    } catch (error) {
      if (!this.#over) this.#fail(error);
    }
  }

  #startTimers(): void {
    const finish = () => this.#finish();
    this.#call.core.watches.add(finish);
    this.#stop.push(() => this.#call.core.watches.delete(finish));
    const { clock, random } = this.#call.core;
    const { timeoutSeconds, allowBookmarks } = this.#options;
    const asked = timeoutSeconds !== undefined && timeoutSeconds > 0;
    const timeout = asked ? timeoutSeconds * 1000 : watchTimeoutMinMs * (1 + random.number());
    this.#stop.push(clock.after(timeout, () => this.#finish()));
    if (!allowBookmarks) return;
    // The spread keeps a thousand watchers from all being written to in the same turn.
    let cancel = () => {};
    const next = () => {
      cancel = clock.after(bookmarkIntervalMs * (0.9 + 0.2 * random.number()), () => {
        this.#bookmark();
        next();
      });
    };
    next();
    this.#stop.push(() => cancel());
  }

  /** Synthetic ADDED events of everything that there is. */
  async #sendState(snapshot: Snapshot): Promise<void> {
    const only = this.#selection.key === undefined ? undefined : snapshot.get(this.#selection.key);
    const entries = this.#selection.key === undefined
      ? snapshot.entries(this.#selection.namespace)
      : only === undefined
      ? []
      : [only];
    let written = 0;
    for (const entry of entries) {
      if (this.#selection.matches(entry)) this.#write("ADDED", viewOf(this.#call.resource, entry));
      written += entry.length;
      if (written < this.#form.turnCharacters) continue;
      written = 0;
      await this.#giveWay();
      if (this.#over) return;
    }
    this.#revision = snapshot.revision;
    if (this.#options.sendInitialEvents && this.#options.allowBookmarks) {
      this.#sink.write(this.#form.bookmark(this.#revision, initialEventsEnd));
    }
  }

  /** Waits for the client to take what it was sent, and lets others have a turn. */
  async #giveWay(): Promise<void> {
    await nextTurn();
    // Who reads slowly makes no work, and keeps nobody else from starting.
    const cancel = this.#call.core.clock.after(watchStartMsMax, () => this.#started());
    await this.#sink.drained();
    cancel();
  }

  /** From now on this watch costs what its events cost. */
  #started(): void {
    this.#call.context.onStarted?.();
  }

  #subscribe(after: number): void {
    this.#revision = Math.max(this.#revision, after);
    this.#replaying = true;
    const end = cacheOf(this.#call).watch(after, {
      onEvents: (events) => this.#onEvents(events),
      onProgress: (revision) => {
        if (this.#waiting === undefined) this.#revision = Math.max(this.#revision, revision);
      },
      onExpired: () =>
        this.#fail(new Expired(this.#call.resource.storage, this.#revision, this.#call.core.cache.revision)),
    });
    this.#replaying = false;
    if (this.#over) end();
    else this.#stop.push(end);
  }

  #onEvents(events: readonly CacheEvent[]): void {
    if (this.#over) return;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      // Only who had not read the earlier ones is slow: a batch of any size may come at once.
      if (this.#sink.pending > watchBufferBytesMax) return this.#sink.cut();
      try {
        if (events.length === 1) this.#deliver(events[0]!);
        else this.#sink.together(() => events.forEach((event) => this.#deliver(event)));
      } catch (error) {
        // One of them can't be read: it is this watch that can't go on.
        this.#fail(error);
      }
      return;
    }
    for (const event of events) {
      waiting.push(event);
      if (!this.#replaying) this.#waitingCharacters += event.entry.length;
    }
    if (this.#waitingCharacters > watchBufferBytesMax) this.#sink.cut();
  }

  /** Sends what has gathered, giving way in between; from then on events go out as they come. */
  async #sendWaiting(): Promise<void> {
    const waiting = this.#waiting!;
    let written = 0;
    for (let i = 0; i < waiting.length; i++) {
      const event = waiting[i]!;
      this.#deliver(event);
      written += event.entry.length;
      if (written < this.#form.turnCharacters) continue;
      written = 0;
      await this.#giveWay();
      if (this.#over) return;
    }
    this.#waiting = undefined;
  }

  /** What the event is to this watcher, whose selector may hold before, after, both or neither. */
  #deliver(event: CacheEvent): void {
    const { entry, previous, type } = event;
    this.#revision = event.revision;
    const now = type !== "DELETED" && this.#selection.matches(entry);
    const before = type === "DELETED"
      ? this.#selection.matches(previous ?? entry)
      : previous !== undefined && this.#selection.matches(previous);
    if (now) return this.#writeShared(event, before ? "MODIFIED" : "ADDED");
    if (before) this.#writeShared(event, "DELETED");
  }

  #writeShared(event: CacheEvent, type: EventType): void {
    // An object that stopped matching is shown as it last matched, at the revision of the change.
    const left = type === "DELETED" && event.type !== "DELETED";
    const name = this.#form.name?.(this.#first);
    const encode = () => this.#encode(type, lastMatch(event, left));
    this.#send(name === undefined ? encode() : this.#call.core.frames.get(event, `${type} ${left} ${name}`, encode));
  }

  #write(type: EventType, view: Entry): void {
    const now = this.#call.core.clock.now();
    this.#send(this.#form.encode(type, view, { first: this.#first, now }));
  }

  #send(frame: F): void {
    this.#sink.write(frame);
    this.#first = false;
    this.#count.events++;
    this.#count.sizes.observe(frame.length);
  }

  #encode(type: EventType, entry: Entry): F {
    const view = viewOf(this.#call.resource, entry);
    return this.#form.encode(type, view, { first: this.#first, now: this.#call.core.clock.now() });
  }

  #bookmark(): void {
    if (!this.#over && this.#revision > 0) this.#sink.write(this.#form.bookmark(this.#revision));
  }

  /** The time is up. */
  #finish(): void {
    if (this.#options.allowBookmarks && this.#waiting === undefined) this.#bookmark();
    this.#sink.end();
  }

  #fail(error: unknown): void {
    this.#sink.write(this.#form.error(toStatusError(error)));
    this.#sink.end();
  }

  #close(): void {
    this.#over = true;
    this.#started();
    this.#call.context.onEnded?.();
    for (const stop of this.#stop.splice(0)) stop();
  }
}

function lastMatch(event: CacheEvent, left: boolean): Entry {
  const { entry, previous, revision } = event;
  if (!left || previous === undefined) return entry;
  return new Item(entry.key, revision, textAt(previous, revision));
}
