/**
 * The store on Redis: a hash per resource, one counter, three bounded streams, one script that does a whole write.
 * Detects data that was lost or that went back in time (FLUSHALL, a failover without the last writes), and then begins a
 * new epoch above every revision that was ever seen. Leaves out: Redis Cluster (a write touches keys of several slots).
 */
import type { Redis } from "ioredis";
import { getLogger } from "log";
import {
  historyBytesMax,
  historyCheckBytes,
  historyEntriesMax,
  storeCommandTimeoutMs,
  storeEpochGap,
  storeListTimeoutMs,
  storeReplicasTimeoutMs,
} from "../../lib/limits.ts";
import { type Clock, systemClock } from "../../lib/seams/clock.ts";
import { type Random, systemRandom } from "../../lib/seams/random.ts";
import { Connection, type ConnectionOptions, type TlsOptions } from "./connection.ts";
import { durabilityWarning, readSettings } from "./durability.ts";
import { mergeHistories, type XReadReply } from "./history.ts";
import { Keys } from "./keys.ts";
import { parseRedisUrl } from "./redis_url.ts";
import { defineScripts, scripted } from "./scripts.ts";
import { SharedTrip } from "./shared_trip.ts";
import { type Codec, fill, parseRow, plain } from "./split.ts";
import {
  type Change,
  type Changes,
  ClaimTaken,
  histories,
  type History,
  OutcomeUnknown,
  type Revision,
  type Row,
  type Seal,
  type Split,
  type Store,
  type StoreStats,
  type Write,
  WriteConflict,
} from "./store.ts";
import { checkWrite } from "./write_check.ts";

const log = getLogger(["sauropod", "storage"]);

export interface RedisStoreOptions {
  /** As of `--redis`; see redis_url.ts. */
  readonly url: string;
  /** Of every key: one per cluster that shares the Redis. Default `sauropod:`. */
  readonly prefix?: string;
  readonly tls?: TlsOptions;
  /** A write is acknowledged only when so many replicas have it (WAIT). Default 0. */
  readonly replicasMin?: number;
  readonly replicasTimeoutMs?: number;
  readonly codec?: Codec;
  readonly historyEntriesMax?: Readonly<Record<History, number>>;
  readonly commandTimeoutMs?: number;
  readonly connectWaitMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Connects and finds or begins the epoch. Throws TypeError for a bad URL, StoreUnavailable if Redis doesn't answer. */
export async function openRedisStore(options: RedisStoreOptions): Promise<Store> {
  const store = new RedisStore(options);
  try {
    await store.open();
  } catch (error) {
    await store.close();
    throw error;
  }
  return store;
}

/** The state of the data as far as it is known at a moment. */
interface Known {
  readonly epoch: string;
  readonly seen: Revision;
}

const anotherEpoch = "its data is of another epoch";
const wentBack = (revision: string) => `its data went back to revision ${revision}`;

class RedisStore implements Store {
  readonly #keys: Keys;
  /** Nothing is published on it: that somebody listens to it says that this store listens to the other one. */
  readonly #ownChannel: string;
  readonly #codec: Codec;
  readonly #random: Random;
  readonly #replicasMin: number;
  readonly #replicasTimeoutMs: number;
  readonly #entriesMax: Readonly<Record<History, number>>;
  /** Writes and what must be quick. */
  readonly #main: Connection;
  /** What may be large: it must not stand before writes in the queue. */
  readonly #reader: Connection;
  readonly #subscriber: Connection;
  readonly #listeners = new Set<() => void>();
  readonly #writtenListeners = new Set<(change: Change) => boolean>();
  readonly #revisionTrip = new SharedTrip(() => this.#askRevision());
  #epoch = "";
  /** The highest revision that was ever seen: the data must never be behind it. */
  #seen: Revision = 0;
  /** The last change that was read, or that was ours and was gone on to: to be found unchanged after a reconnect. */
  #tail: Change | undefined;
  /** How often a connection to write or to read was made, and after how many of these the tail was found unchanged. */
  #connections = 0;
  #verified = 0;
  /** Own writes that were sent and not answered, and the highest revision that was heard of meanwhile. */
  #writing = 0;
  #heard: Revision = 0;
  #reopening: Promise<void> | undefined;
  #bytesSinceCheck = 0;

  constructor(options: RedisStoreOptions) {
    this.#keys = new Keys(options.prefix ?? "sauropod:");
    this.#codec = options.codec ?? plain;
    this.#random = options.random ?? systemRandom;
    this.#ownChannel = `${this.#keys.channel}:${this.#random.uuid()}`;
    this.#replicasMin = options.replicasMin ?? 0;
    this.#replicasTimeoutMs = options.replicasTimeoutMs ?? storeReplicasTimeoutMs;
    this.#entriesMax = options.historyEntriesMax ?? historyEntriesMax;
    const common = {
      address: parseRedisUrl(options.url),
      tls: options.tls,
      clock: options.clock ?? systemClock,
      commandTimeoutMs: options.commandTimeoutMs ?? storeCommandTimeoutMs,
      connectWaitMs: options.connectWaitMs,
    };
    const connect = (name: string, more: Partial<ConnectionOptions> = {}) =>
      new Connection({ ...common, name, ...more });
    // The other two may be idle for long: what the main one finds out about a dead peer counts for them, too.
    const onSilence = () => {
      this.#reader.restart();
      this.#subscriber.restart();
    };
    this.#main = connect("main", { onSilence });
    this.#reader = connect("reader", { commandTimeoutMs: options.commandTimeoutMs ?? storeListTimeoutMs });
    this.#subscriber = connect("wake");
    defineScripts(this.#main.redis);
    this.#subscriber.redis.on("message", (_channel: string, revision: string) => this.#written(Number(revision)));
    this.#subscriber.onReady(() => this.#subscribe());
    let isFirst = true;
    this.#main.onReady(() => {
      this.#connections++;
      // It may be another master: what is read must be read there, and compared with what is known.
      if (!isFirst) this.#reader.restart();
      isFirst = false;
    });
    this.#reader.onReady(() => {
      this.#connections++;
      this.#wake();
    });
  }

  get epoch(): string {
    return this.#epoch;
  }

  async open(): Promise<void> {
    await this.#beginEpoch("", 0);
    const warning = await this.#main.read(async (redis) => durabilityWarning(await readSettings(redis)));
    if (warning !== undefined) log.warn("Redis may lose acknowledged writes: {warning}", { warning });
  }

  async write(write: Write): Promise<Revision> {
    checkWrite(write);
    const asked = this.#known();
    const value = this.#codec.seal(write.resource, write.key, write.value);
    const [keys, args] = this.#writeArguments(write, value);
    this.#writing++;
    let told = false;
    try {
      const reply = await this.#main.write((redis) => scripted(redis).sauropodWrite(keys.length, ...keys, ...args));
      if (typeof reply !== "string") throw await this.#refused(write, asked, reply);
      const revision = this.#see(Number(reply));
      told = this.#tellWritten(write, revision, value.seal);
      // Nobody else may say it: we are not told of what we know.
      if (!told) this.#wake();
      this.#count(write);
      if (this.#replicasMin > 0) await this.#replicated(revision);
      return revision;
    } finally {
      this.#writing--;
      if (this.#heard > this.#tailRevision && (!told || this.#writing === 0)) this.#wake();
    }
  }

  /** Only while both connections are known to speak of the same data as ever. */
  #tellWritten({ resource, key, type, value, parsed }: Write, revision: Revision, seal: Seal | undefined): boolean {
    if (!this.#isVerified) return false;
    const text = fill(value, revision);
    const change: Change = { type, resource, key, revision, value: text, seal, parsed: parsed?.(revision) };
    let taken = false;
    for (const listener of this.#writtenListeners) taken = listener(change) || taken;
    if (taken) this.#tail = change;
    return taken;
  }

  async #replicated(revision: Revision): Promise<void> {
    const timeoutMs = this.#replicasTimeoutMs;
    const reached = await this.#main.write((redis) => redis.wait(this.#replicasMin, timeoutMs));
    if (reached >= this.#replicasMin) return;
    throw new OutcomeUnknown(
      `revision ${revision} reached ${reached} of ${this.#replicasMin} replicas in ${timeoutMs} ms: ` +
        "it is lost if Redis fails over now; check the replicas",
    );
  }

  #writeArguments(write: Write, value: Split): [keys: string[], args: string[]] {
    const { resource, key, type, expected, history } = write;
    const k = this.#keys;
    const keys = [k.epoch, k.revision, k.objects(resource), k.logs[history], k.resources];
    const args = [this.#epoch, `${this.#seen}`, k.channel, resource, key, type, `${expected}`, value.head, value.tail];
    args.push(`${this.#entriesMax[history]}`, this.#isVerified ? this.#ownChannel : "");
    for (const claim of write.claims ?? []) {
      const hash = k.claims(claim.space);
      const index = keys.includes(hash) ? keys.indexOf(hash) + 1 : keys.push(hash);
      const what = claim.do === "add" ? `${claim.amount}` : claim.owner;
      args.push(claim.do, `${index}`, claim.name, what, claim.do === "add" ? `${claim.max ?? ""}` : "");
    }
    return [keys, args];
  }

  /** What scripts/write.lua answers when it has not written. */
  async #refused(write: Write, asked: Known, [why, first, second]: readonly (string | null)[]): Promise<Error> {
    switch (why) {
      case "conflict":
        return new WriteConflict(
          write,
          first === null ? undefined : parseRow(this.#codec, write.resource, write.key, first!),
        );
      case "claimed":
        return new ClaimTaken(write.claims![Number(first)]!, second!);
      default:
        await this.#distrust(asked, why === "epoch" ? anotherEpoch : wentBack(first!));
        return this.#main.unavailable("the data was replaced and nothing was written; read, then try again");
    }
  }

  async get(resource: string, key: string): Promise<Row | undefined> {
    const stored = await this.#main.read((redis) => redis.hget(this.#keys.objects(resource), key));
    return stored === null ? undefined : parseRow(this.#codec, resource, key, stored);
  }

  async list(resource: string): Promise<{ revision: Revision; rows: Row[] }> {
    const asked = this.#known();
    const replies = await this.#atomically((multi) => multi.call("HGETALL", this.#keys.objects(resource)));
    const [epoch, revisionText, fields] = replies as [string | null, string | null, string[]];
    if (await this.#replaced(asked, epoch, Number(revisionText))) return await this.list(resource);
    const rows: Row[] = [];
    for (let i = 0; i + 1 < fields.length; i += 2) {
      rows.push(parseRow(this.#codec, resource, fields[i]!, fields[i + 1]!));
    }
    return { revision: this.#see(Number(revisionText)), rows };
  }

  async claimed(space: string): Promise<ReadonlyMap<string, string>> {
    const held = await this.#reader.read((redis) => redis.hgetall(this.#keys.claims(space)));
    return new Map(Object.entries(held));
  }

  revision(): Promise<Revision> {
    return this.#revisionTrip.ask();
  }

  async #askRevision(): Promise<Revision> {
    const asked = this.#known();
    const [epoch, text] = await this.#main.read((redis) => redis.mget(this.#keys.epoch, this.#keys.revision));
    if (await this.#replaced(asked, epoch!, Number(text))) return await this.#askRevision();
    return this.#see(Number(text));
  }

  async changes(after: Revision, limit: number): Promise<Changes> {
    const asked = this.#known();
    const connections = this.#connections;
    // After a reconnect the last known change is read again: another master may have had another one there.
    const verify = this.#verified < connections && this.#tail?.revision === after ? this.#tail : undefined;
    const from = verify === undefined ? after : after - 1;
    const count = verify === undefined ? limit : limit + 1;
    const ids = this.#keys.logNames.map(() => `${from}-0`);
    const replies = await this.#atomically((multi) =>
      multi.xread("COUNT", count, "STREAMS", ...this.#keys.logNames, ...ids)
    );
    const [epoch, revisionText, reply] = replies as [string | null, string | null, XReadReply];
    // Asked on one connection and answered on another: what is known has not been compared there.
    if (this.#connections !== connections) return await this.changes(after, limit);
    const lost = () => ({ changes: [], compacted: true, revision: this.#seen });
    if (await this.#replaced(asked, epoch, Number(revisionText))) return lost();
    const revision = this.#see(Number(revisionText));
    if (after > revision) return lost();
    const merged = mergeHistories(reply, { after: from, revision, count, codec: this.#codec });
    if (merged.gap) return lost();
    if (verify !== undefined && !same(verify, merged.changes[0])) {
      await this.#distrust(asked, `revision ${after} is not what it was`);
      return lost();
    }
    // Before any change is known there is none that could be another one now.
    if (verify !== undefined || this.#tail === undefined) this.#verified = connections;
    const changes = verify === undefined ? merged.changes.slice(0, limit) : merged.changes.slice(1, 1 + limit);
    const last = changes.at(-1);
    if (last !== undefined && last.revision > this.#tailRevision) this.#tail = last;
    return { changes, compacted: false, revision };
  }

  onWake(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onWritten(listener: (change: Change) => boolean): () => void {
    this.#writtenListeners.add(listener);
    return () => this.#writtenListeners.delete(listener);
  }

  async ping(): Promise<void> {
    await this.#main.read((redis) => redis.ping());
  }

  async stats(): Promise<StoreStats> {
    const { info, sizes, resources } = await this.#reader.read(async (redis) => ({
      info: await redis.info("memory"),
      sizes: await Promise.all(histories.map((history) => this.#sizeOf(redis, history))),
      resources: await redis.smembers(this.#keys.resources),
    }));
    const counts = await this.#reader.read((redis) =>
      Promise.all(resources.map((resource) => redis.hlen(this.#keys.objects(resource))))
    );
    const keys = resources.map((resource, i) => [resource, counts[i]!] as const).filter(([, count]) => count > 0);
    const [main, lease, event] = sizes;
    return {
      bytes: Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? 0),
      histories: { main: main!, lease: lease!, event: event! },
      keys: new Map(keys),
    };
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#writtenListeners.clear();
    await Promise.all([this.#main.close(), this.#reader.close(), this.#subscriber.close()]);
  }

  /** The epoch, the revision and one more reading, all of the same moment. */
  async #atomically(read: (multi: ReturnType<Redis["multi"]>) => unknown): Promise<unknown[]> {
    const replies = await this.#reader.read((redis) => {
      const multi = redis.multi().get(this.#keys.epoch).get(this.#keys.revision);
      read(multi);
      return multi.exec();
    });
    if (replies === null) throw this.#reader.unavailable("a transaction was dropped");
    return replies.map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
  }

  /**
   * What any answer to a question that is asked now must not fall behind. Kept with the question: answers come over
   * several connections, so by the time of its answer more may be known than when it was asked.
   */
  #known(): Known {
    return { epoch: this.#epoch, seen: this.#seen };
  }

  /** True, with a new epoch begun, if the data is not the data that this store knew when it asked. */
  async #replaced(asked: Known, epoch: string | null, revision: Revision): Promise<boolean> {
    if (epoch === asked.epoch && revision >= asked.seen && asked.epoch === this.#epoch) return false;
    await this.#distrust(asked, epoch === asked.epoch ? wentBack(`${revision}`) : anotherEpoch);
    return true;
  }

  /** One at a time: the first to notice begins the epoch, the others wait for it. */
  async #distrust(asked: Known, why: string): Promise<void> {
    if (asked.epoch !== this.#epoch) return;
    this.#reopening ??= this.#replaceEpoch(why).finally(() => this.#reopening = undefined);
    await this.#reopening;
  }

  async #replaceEpoch(why: string): Promise<void> {
    const before = this.#epoch;
    await this.#beginEpoch(before, this.#seen + storeEpochGap);
    this.#tail = undefined;
    log.error("the store lost data: {why}; watches start over, above revision {revision}", {
      why,
      revision: this.#seen,
      epochBefore: before,
      epoch: this.#epoch,
    });
    this.#wake();
  }

  async #beginEpoch(distrusted: string, least: Revision): Promise<void> {
    const keys = [this.#keys.epoch, this.#keys.revision, ...this.#keys.logNames];
    const [epoch, revision] = await this.#main.write((redis) =>
      scripted(redis).sauropodOpen(keys.length, ...keys, this.#random.uuid(), distrusted, least)
    );
    this.#epoch = epoch;
    this.#see(Number(revision));
  }

  #see(revision: Revision): Revision {
    if (revision > this.#seen) this.#seen = revision;
    return revision;
  }

  #subscribe(): void {
    this.#subscriber.read((redis) => redis.subscribe(this.#keys.channel, this.#ownChannel)).then(
      () => this.#wake(),
      // Without it everything still works, only later (the cache asks by itself); the next connection tries again.
      (error) => {
        log.warn("subscribing failed: {error}", { error: String(error) });
        this.#subscriber.restart();
      },
    );
  }

  #written(revision: Revision): void {
    // A burst of writes is read in one go: messages about what is known already are dropped.
    if (revision <= this.#tailRevision) return;
    // It may be one of ours, of which the answer is about to come.
    if (this.#writing > 0) this.#heard = Math.max(this.#heard, revision);
    else this.#wake();
  }

  get #isVerified(): boolean {
    return this.#verified === this.#connections;
  }

  get #tailRevision(): Revision {
    return this.#tail?.revision ?? 0;
  }

  #wake(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Bounds the histories' memory: their length alone would allow a hundred times more for large objects. */
  #count(write: Write): void {
    this.#bytesSinceCheck += write.value.head.length + write.value.tail.length;
    if (this.#bytesSinceCheck < historyCheckBytes) return;
    this.#bytesSinceCheck = 0;
    this.#trim().catch((error) => log.warn("trimming the history failed: {error}", { error: String(error) }));
  }

  async #trim(): Promise<void> {
    await this.#reader.read(async (redis) => {
      for (const history of histories) {
        const { entries, bytes } = await this.#sizeOf(redis, history);
        const max = historyBytesMax[history];
        if (bytes > max) {
          await redis.xtrim(this.#keys.logs[history], "MAXLEN", "~", Math.floor((entries * max * 0.75) / bytes));
        }
      }
    });
  }

  async #sizeOf(redis: Redis, history: History): Promise<{ entries: number; bytes: number }> {
    const key = this.#keys.logs[history];
    const [entries, bytes] = await Promise.all([redis.xlen(key), redis.memory("USAGE", key)]);
    return { entries, bytes: bytes ?? 0 };
  }
}

function same(a: Change, b: Change | undefined): boolean {
  if (b === undefined) return false;
  // Keys may have come or gone between two readings of the same text.
  const sameValue = a.value === b.value || (a.unreadable ?? b.unreadable) !== undefined;
  return a.revision === b.revision && a.resource === b.resource && a.key === b.key && a.type === b.type && sameValue;
}
