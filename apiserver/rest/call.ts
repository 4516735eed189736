/** What every verb's function is given: the machinery, and one request about one resource. */
import { nameSuffix } from "../../lib/seams/random.ts";
import type { Lookup } from "../admission/plugin.ts";
import type { ResourceCache } from "../cache/cache.ts";
import type { FrameCache } from "./frames.ts";
import type { RequestInfo } from "./request_info.ts";
import type { PrepareContext, Resource } from "./resource.ts";
import type { ResourceSet } from "./resource_set.ts";
import type { RestContext, RestParts } from "./rest.ts";
import type { WatchCounts } from "./watch_counts.ts";

/** The machinery's parts, and what it has made of them. */
export interface Core extends Omit<RestParts, "resources"> {
  readonly set: ResourceSet;
  readonly lookup: Lookup;
  readonly frames: FrameCache;
  /** Ends each watch that is open, in good order. */
  readonly watches: Set<() => void>;
  readonly watchCounts: WatchCounts;
}

export interface Call {
  readonly core: Core;
  readonly request: Request;
  readonly context: RestContext;
  readonly info: RequestInfo;
  readonly query: URLSearchParams;
  readonly resource: Resource;
  /** Of the request's path; undefined for cluster-scoped kinds and for lists over all namespaces. */
  readonly namespace: string | undefined;
  warn(message: string): void;
}

export function cacheOf(call: Call): ResourceCache {
  return call.core.cache.resource(call.resource.storage);
}

/** The key of an object of the call's resource, in the call's namespace. */
export function keyFor(call: Call, name: string): string {
  return call.resource.namespaced ? `${call.namespace}/${name}` : name;
}

export function prepareContext(call: Call): PrepareContext {
  const { clock, random, config } = call.core;
  return { now: clock.now(), random, config, user: call.context.user };
}

/** A name for `generateName`: the base cut so that the whole is a label's 63 characters at most. */
export function generatedName(call: Call, base: string): string {
  return base.slice(0, 58) + nameSuffix(call.core.random);
}
