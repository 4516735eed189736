/**
 * What the rest of the API server knows of storage: bytes under keys, one revision per write, an ordered history.
 * Knows no kind, no namespace and no JSON beyond "a text with a hole for its own revision".
 */

/** Counts every write of the cluster, from 1. Redis counts in 64 bits; a JS number is exact up to 2^53 (28,000 years at 10,000 writes/s). */
export type Revision = number;

/**
 * The stored text with a hole where its own revision goes:
 * `{"apiVersion":"v1",...,"metadata":{"resourceVersion":"` + revision + rest. The revision is only known inside of the
 * atomic write, and the stored text must be complete, so that reading it costs no parsing.
 */
export interface Split {
  readonly head: string;
  readonly tail: string;
}

/** What is stored can't be read: its key is not there, or it was changed. The message names the object and the key. */
export class Unreadable extends Error {
  override name = "Unreadable";
}

/** The way in which a text is stored: one object for all that are stored alike. */
export interface Seal {
  /** False when writes now go another way, with another key: who then writes the object as it is writes something new. */
  readonly current: boolean;
}

/** What became of a stored text. */
export interface Opened {
  /** Complete JSON text, revision filled in. Empty when it is unreadable. */
  readonly value: string;
  /** Absent: as it is, for ever. */
  readonly seal?: Seal;
  readonly unreadable?: Unreadable;
}

/** One stored object. */
export interface Row extends Opened {
  /** Unique in its resource: `namespace/name`, or `name`. */
  readonly key: string;
  readonly revision: Revision;
}

/** One write, as the history tells it. */
export interface Change extends Opened {
  readonly type: "put" | "delete";
  readonly resource: string;
  readonly key: string;
  readonly revision: Revision;
  /** Of a delete: the last state, with the deletion's revision. */
  readonly value: string;
  /** The text parsed, where it was at hand. Shared: read-only. */
  readonly parsed?: unknown;
}

/** Which bounded history a change goes to: Leases and Events must not push real history out of the window. */
export type History = "main" | "lease" | "event";

/** All histories, in the order in which they are read. */
export const histories: readonly History[] = ["main", "lease", "event"];

/**
 * Further conditions that are checked and carried out in the same atomic step as the write, in their order: a later claim
 * sees what an earlier one did. If any fails, nothing at all is written.
 */
export type Claim =
  /** Fails if another owner holds it; an owner may take again what it holds. */
  | { readonly do: "take"; readonly space: string; readonly name: string; readonly owner: string }
  /** Does nothing if another owner, or nobody, holds it. */
  | { readonly do: "release"; readonly space: string; readonly name: string; readonly owner: string }
  /**
   * A counter. Fails if a positive amount would take it above `max`; negative amounts always succeed. Integers only.
   * A counter that is 0 is not kept, so a space holds no more than what is in use.
   */
  | {
    readonly do: "add";
    readonly space: string;
    readonly name: string;
    readonly amount: number;
    readonly max?: number;
  };

export interface Write {
  readonly resource: string;
  readonly key: string;
  readonly type: "put" | "delete";
  /** The revision that the key must have now. 0: it must not exist. */
  readonly expected: Revision;
  /** Of a delete: the last state, for the history. */
  readonly value: Split;
  readonly history: History;
  readonly claims?: readonly Claim[];
  /** The text parsed, where the writer has it: goes on with the change, if that is told by onWritten(). */
  readonly parsed?: (revision: Revision) => unknown;
}

/** The key is not at the expected revision. Nothing was written. */
export class WriteConflict extends Error {
  override name = "WriteConflict";
  /** exists: it was to be created; missing: it is not there; changed: it has another revision. */
  readonly reason: "exists" | "changed" | "missing";
  /** What is there instead, so that a retry needs no further read. */
  readonly current: Row | undefined;

  constructor(write: Pick<Write, "resource" | "key" | "expected">, current: Row | undefined) {
    const reason = current === undefined ? "missing" : write.expected === 0 ? "exists" : "changed";
    const there = current === undefined ? "it does not exist" : `it is at revision ${current.revision}`;
    const wanted = write.expected === 0 ? "to create" : `at revision ${write.expected}`;
    super(`${write.resource} ${write.key}: wanted ${wanted}, but ${there}`);
    this.reason = reason;
    this.current = current;
  }
}

/** A claim could not be met. Nothing was written. */
export class ClaimTaken extends Error {
  override name = "ClaimTaken";
  /** `holder`: who holds the name; of a counter, its present value. */
  constructor(readonly claim: Claim, readonly holder: string) {
    super(
      claim.do === "add"
        ? `${claim.space} ${claim.name}: ${holder} + ${claim.amount} is not allowed, the limit is ${
          claim.max ?? "2^53 - 1"
        }`
        : `${claim.space} ${claim.name} is held by ${holder}`,
    );
  }
}

/** The store can't be reached or can't serve: says where it is and what to do. Of a write: it has certainly not happened. */
export class StoreUnavailable extends Error {
  override name = "StoreUnavailable";
}

/** The connection was lost after a write was sent: it may or may not have happened. Read before writing again. */
export class OutcomeUnknown extends StoreUnavailable {
  override name = "OutcomeUnknown";
}

export interface StoreStats {
  /** Memory that the store's data uses, in bytes (of a shared Redis: all of it). */
  readonly bytes: number;
  readonly histories: Readonly<Record<History, { readonly entries: number; readonly bytes: number }>>;
  /** Objects per resource. */
  readonly keys: ReadonlyMap<string, number>;
}

/** A part of the history. */
export interface Changes {
  /** In revision order, without holes. May be fewer than asked for although there are more: go on until `revision`. */
  readonly changes: readonly Change[];
  /** Some change after the asked revision is gone, or the data is not what it was: list anew. Then `changes` is empty. */
  readonly compacted: boolean;
  /** The store's revision at the time of reading. */
  readonly revision: Revision;
}

export interface Store {
  /** Random id written at first use. Changes if data was lost or replaced; revisions of another epoch mean nothing. */
  readonly epoch: string;
  /** Answers once it is durable. Throws WriteConflict, ClaimTaken, StoreUnavailable, OutcomeUnknown. */
  write(write: Write): Promise<Revision>;
  get(resource: string, key: string): Promise<Row | undefined>;
  /** One atomic snapshot; rows in no particular order. */
  list(resource: string): Promise<{ revision: Revision; rows: Row[] }>;
  /** Everything that is held in a space: name → owner, or name → count. */
  claimed(space: string): Promise<ReadonlyMap<string, string>>;
  /** Linearizable: concurrent callers share one round trip, but never one that began before they asked. */
  revision(): Promise<Revision>;
  /** What was written after a revision, at most `limit` changes. */
  changes(after: Revision, limit: number): Promise<Changes>;
  /** Calls when something was written, or the connection came back. A hint: it may be late, repeated, or lost. */
  onWake(listener: () => void): () => void;
  /**
   * Calls with a change that this store has written itself, before its write resolves, so that it need not be read back. A hint: only some
   * are told. The listener answers whether it has gone on to this change from the one before it: then nothing more is said of it.
   */
  onWritten(listener: (change: Change) => boolean): () => void;
  ping(): Promise<void>;
  stats(): Promise<StoreStats>;
  close(): Promise<void>;
}
