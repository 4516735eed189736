/**
 * The REST machinery: one Request in, one Response out, generic over kinds. The server has authenticated and authorised
 * before; what is asked for is in `requestInfo`. One file per verb; write.ts is the one write path.
 */
import type { ServerResponse } from "node:http";
import type { LiveEvents } from "../../lib/client/live.ts";
import type { KubeObject } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { statusError } from "../../lib/status.ts";
import type { AdmissionPlugin, User } from "../admission/plugin.ts";
import type { Cache } from "../cache/cache.ts";
import type { Store } from "../storage/store.ts";
import { act } from "./action.ts";
import { notAllowed } from "./allowed.ts";
import type { Call, Core } from "./call.ts";
import { answerComputed } from "./computed.ts";
import { connect, locate } from "./connect.ts";
import { create } from "./create.ts";
import { remove } from "./delete.ts";
import { removeCollection } from "./delete_collection.ts";
import { Documents, unknownPath } from "./documents.ts";
import { evict } from "./evict.ts";
import { FrameCache } from "./frames.ts";
import { get } from "./get.ts";
import { list } from "./list.ts";
import { createLookup } from "./lookup.ts";
import { patch } from "./patch.ts";
import type { RequestInfo } from "./request_info.ts";
import {
  type ClusterConfig,
  type ConnectTarget,
  defineResource,
  type Posted,
  type Resource,
  type StandIn,
  type Verb,
} from "./resource.ts";
import { ResourceSet } from "./resource_set.ts";
import { answerReview } from "./review.ts";
import { meantBy } from "./stand_in.ts";
import { scale } from "./scale.ts";
import { errorResponse } from "./status_answer.ts";
import { update } from "./update.ts";
import { warningHeaders } from "./warnings.ts";
import { watch } from "./watch.ts";
import { WatchCounts } from "./watch_counts.ts";

/** What comes with a request besides itself. */
export interface RestContext {
  user: User;
  requestInfo: RequestInfo;
  /** `Warning` headers of the answer; what is in it already is kept. */
  warnings?: string[];
  /** Set for a request on a real connection: watches write their shared bytes straight to it. */
  outgoing?: ServerResponse;
  /** Set for a client of this process: takes a watch's events as objects. */
  live?: LiveEvents;
  /** Further headers of an answer that is written straight to `outgoing`; others get theirs from the server's filters. */
  headers?: Readonly<Record<string, string>>;
  /** Aborts when the client is gone. */
  signal?: AbortSignal;
  /** Called when a watch has sent what was there when it began, or waits for its client; and when it ends before that. */
  onStarted?(): void;
  /** Called when a watch has ended. */
  onEnded?(): void;
  /** Absent: nobody writes down what is asked. */
  record?: RequestRecord;
}

/** What a log of requests is told of a request, besides what its path says. */
export interface RequestRecord {
  /** The body as it was decoded, before anything is made of it. */
  requested(body: object): void;
  /** Why something was done, or would not have been. */
  annotate(key: string, value: string): void;
}

/** `/version`. */
export type VersionInfo = Readonly<Record<string, string>>;

/**
 * A kind that is asked (SelfSubjectAccessReview, TokenRequest): a create that answers with the same definition. With `parent` it is
 * a subresource, `serviceaccounts/token`, and `parent` the existing object.
 */
export interface Review extends Posted {
  answer(
    body: KubeObject,
    context: { user: User; namespace?: string; name?: string; parent?: KubeObject; dryRun: boolean },
  ): KubeObject | Promise<KubeObject>;
}

/**
 * A kind whose objects are worked out when somebody asks, and stored nowhere (metrics.k8s.io). Its verbs are `get` and `list`; selectors,
 * tables and the other forms of answers are the machinery's.
 */
export interface Computed {
  resource: Resource;
  /** What there is now, in a namespace or in all. `name`: only that one is wanted. Throws StatusError. */
  objects(scope: { namespace?: string; name?: string }): Promise<readonly KubeObject[]>;
  /** Told to everybody who reads it. */
  warning?: string;
}

export interface RestParts {
  store: Store;
  cache: Cache;
  /** In the order of discovery; the first version of a group is the preferred one. */
  resources: readonly Resource[];
  reviews?: readonly (Review | StandIn)[];
  computed?: readonly Computed[];
  admission: readonly AdmissionPlugin[];
  clock: Clock;
  random: Random;
  config: ClusterConfig;
  version: VersionInfo;
  /** Carries a plain (not upgraded) request to a node or an address: logs, proxies. */
  connect?(target: ConnectTarget, request: Request, context: RestContext): Promise<Response>;
}

export interface Rest {
  /** Never rejects: every failure is a Status. */
  handle(request: Request, context: RestContext): Promise<Response>;
  /** Where an upgrade (exec, attach, port-forward) is to go, after admission. Throws StatusError. */
  locate(request: Request, context: RestContext): Promise<ConnectTarget>;
  /** Serves other resources from the next request on. The cache must know them already. */
  use(resources: readonly Resource[]): void;
  /** Is what is asked for a resource, or a subresource, that is served? */
  serves(info: RequestInfo): boolean;
  readonly watchCounts: WatchCounts;
  /** Ends all watches in good order: their clients know where to go on. */
  drain(): void;
}

/** What is served: kinds come and go with custom resource definitions. */
interface Served {
  core: Core;
  documents: Documents;
}

function serve(parts: RestParts, kept: Pick<Core, "frames" | "watches" | "watchCounts">): Served {
  const computed = parts.computed?.map(({ resource }) => resource) ?? [];
  const set = new ResourceSet([...parts.resources, ...computed], parts.reviews);
  const lookup = createLookup(parts.cache, parts.resources, parts.clock);
  return { core: { ...parts, set, lookup, ...kept }, documents: new Documents(set, parts.version) };
}

/** Serves the resources of `parts`. */
export function createRest(parts: RestParts): Rest {
  const kept = { frames: new FrameCache(), watches: new Set<() => void>(), watchCounts: new WatchCounts() };
  let served = serve(parts, kept);
  return {
    async handle(request, context) {
      const warnings = context.warnings ?? [];
      try {
        const response = await dispatch(served, request, { ...context, warnings });
        if (warnings.length > 0) warningHeaders(warnings, response.headers);
        return response;
      } catch (error) {
        return errorResponse(error, { warnings, request });
      }
    },
    async locate(request, context) {
      const call = callOf(served.core, request, { ...context, warnings: context.warnings ?? [] });
      const subresource = call.resource.subresources[call.info.subresource ?? ""];
      if (subresource?.do !== "connect" || !(subresource.verbs as readonly string[]).includes(call.info.verb)) {
        throw statusError("BadRequest", "an upgrade is only possible where a connection is asked for");
      }
      return await locate(call, subresource);
    },
    use(resources) {
      served = serve({ ...parts, resources }, kept);
    },
    serves: (info) => serves(served.core, info),
    watchCounts: kept.watchCounts,
    drain() {
      for (const end of [...kept.watches]) end();
    },
  };
}

async function dispatch({ core, documents }: Served, request: Request, context: RestContext): Promise<Response> {
  const info = context.requestInfo;
  if (!info.isResource) return documents.answer(request, new URL(request.url));
  const review = reviewOf(core, info);
  if (review !== undefined) {
    if (info.verb !== "create") throw notAllowed(["create"], "collection");
    const call = reviewCall(core, review, request, context);
    if ("answer" in review) return await answerReview(call, review);
    const meant = await meantBy(call, review);
    return await onSubresource(callOf(core, meant.request, { ...context, requestInfo: meant.info }));
  }
  const call = callOf(core, request, context);
  if (info.subresource !== undefined) return await onSubresource(call);
  const isCollection = info.parts.length === 1;
  const { verb } = info;
  // Only reading goes over all namespaces.
  const everywhere = call.resource.namespaced && call.namespace === undefined;
  const allowed = call.resource.verbs.filter((own) =>
    isCollection === collectionVerbs.has(own) && (!everywhere || own === "list" || own === "watch")
  );
  // HEAD is authorised as GET, and no more served than by Kubernetes.
  if (!allowed.includes(verb as Verb) || request.method === "HEAD") {
    throw notAllowed(allowed, isCollection ? "collection" : "object");
  }
  const computed = core.computed?.find(({ resource }) => resource === call.resource);
  if (computed !== undefined) return await answerComputed(call, computed);
  return await verbs[verb as Verb](call);
}

const collectionVerbs = new Set(["list", "watch", "create", "deletecollection"]);

const verbs: Readonly<Record<Verb, (call: Call) => Promise<Response>>> = {
  get,
  list,
  watch,
  create,
  update: (call) => update(call),
  patch: (call) => patch(call),
  delete: remove,
  deletecollection: removeCollection,
};

async function onSubresource(call: Call): Promise<Response> {
  const { resource, info } = call;
  const { verb, parts } = info;
  const name = info.subresource!;
  const subresource = Object.hasOwn(resource.subresources, name) ? resource.subresources[name] : undefined;
  if (resource.namespaced && call.namespace === undefined) throw unknownPath();
  if (parts.length > 3 && subresource?.do !== "connect") throw unknownPath();
  if (subresource !== undefined) {
    if (!(subresource.verbs as readonly string[]).includes(verb)) throw notAllowed(subresource.verbs, "object");
    if (subresource.do === "connect") return await connect(call, subresource);
    if (call.request.method === "HEAD") throw notAllowed(subresource.verbs, "object");
    return subresource.do === "write" ? await act(call, subresource) : await evict(call, subresource);
  }
  const standard = (name === "status" && resource.status) || (name === "scale" && resource.scale !== undefined);
  if (!standard) throw unknownPath();
  if (!partVerbs.includes(verb) || call.request.method === "HEAD") throw notAllowed(partVerbs, "object");
  if (name === "scale") return await scale(call);
  if (verb === "get") return await get(call);
  return verb === "update" ? await update(call, "status") : await patch(call, "status");
}

/** Of `/status` and `/scale`. */
const partVerbs = ["get", "patch", "update"];

function callOf(core: Core, request: Request, context: RestContext): Call {
  const info = context.requestInfo;
  const resource = info.isResource ? core.set.find(info.group!, info.version!, info.resource!) : undefined;
  if (resource === undefined) throw unknownPath();
  // Of a Namespace itself, `namespace` is its own name.
  const itself = info.resource === "namespaces" && !info.path.includes(`/${info.namespace}/namespaces`);
  const inside = info.namespace !== undefined && !itself;
  if (inside && !resource.namespaced) throw unknownPath();
  return {
    core,
    request,
    context,
    info,
    query: queryOf(request.url),
    resource,
    namespace: resource.namespaced ? info.namespace : undefined,
    warn: (message) => context.warnings!.push(message),
  };
}

const noQuery = new URLSearchParams();

/** Parsing a whole URL costs more than many a request's work. */
function queryOf(url: string): URLSearchParams {
  const at = url.indexOf("?");
  return at < 0 ? noQuery : new URLSearchParams(url.slice(at + 1));
}

function reviewOf(core: Core, info: RequestInfo): Review | StandIn | undefined {
  const { group, version, resource, subresource, parts } = info;
  if (subresource === undefined) {
    return parts.length === 1 ? core.set.findReview(group!, version!, resource!) : undefined;
  }
  return parts.length === 3 ? core.set.findReview(group!, version!, `${resource}/${subresource}`) : undefined;
}

/** A review is no resource: its call is about its parent, or about nothing that is stored. */
function reviewCall(core: Core, review: Posted, request: Request, context: RestContext): Call {
  if (review.subresourceOf !== undefined) return callOf(core, request, context);
  const info = context.requestInfo;
  if (review.namespaced !== (info.namespace !== undefined)) throw unknownPath();
  const resource = defineResource(review, { definition: review.definition }, () => []);
  const warn = (message: string) => void context.warnings!.push(message);
  return { core, request, context, info, query: queryOf(request.url), resource, namespace: info.namespace, warn };
}

function serves({ set }: Core, info: RequestInfo): boolean {
  const { group = "", version = "", resource = "", subresource } = info;
  const of = set.find(group, version, resource);
  if (subresource === undefined) return of !== undefined || set.findReview(group, version, resource) !== undefined;
  if (of === undefined) return false;
  return Object.hasOwn(of.subresources, subresource) || (subresource === "status" && of.status) ||
    (subresource === "scale" && of.scale !== undefined) ||
    set.findReview(group, version, `${resource}/${subresource}`) !== undefined;
}
