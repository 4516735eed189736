/** What an admission plugin is. The plugins stand in mod.ts, in the order in which they are asked. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Claim } from "../storage/store.ts";
import type { Resource } from "../rest/resource.ts";

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/** One request, as admission sees it. */
export interface Attributes {
  readonly operation: "CREATE" | "UPDATE" | "DELETE" | "CONNECT";
  /** Of the request: an `update` or a `patch` may create. */
  readonly verb: string;
  readonly resource: Resource;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name: string;
  /** What is to be written; mutating plugins change it. Absent for DELETE and CONNECT. */
  readonly object?: KubeObject;
  readonly old?: KubeObject;
  readonly user: User;
  readonly dryRun: boolean;
  /** Adds a `Warning` header to the answer. */
  warn(message: string): void;
  /** Adds an annotation to the request's audit event, where there is one. */
  annotate?(key: string, value: string): void;
  /** Adds claims to the atomic write (quota). */
  claim(claim: Claim): void;
}

/** What plugins may look up: the watch cache, by stored resource name and key. Read-only. */
export interface Lookup {
  get<T extends KubeObject>(storage: string, key: string): T | undefined;
  list<T extends KubeObject>(storage: string, namespace?: string): readonly T[];
  /** Makes get() and list() see everything that was written before this call. */
  fresh(): Promise<void>;
  /** Like get(), but waits up to `ms` for an object that a control loop is about to create. */
  appears<T extends KubeObject>(storage: string, key: string, ms: number): Promise<T | undefined>;
}

/** Refusals are thrown StatusErrors (403 Forbidden as a rule). */
export interface AdmissionPlugin {
  readonly name: string;
  mutate?(attributes: Attributes, lookup: Lookup): void | Promise<void>;
  validate?(attributes: Attributes, lookup: Lookup): void | Promise<void>;
}
