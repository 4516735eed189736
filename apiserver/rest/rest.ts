/**
 * The REST machinery: one Request in, one Response out, generic over kinds. The server has authenticated and authorised
 * before; what is asked for is in `requestInfo`. One file per verb; write.ts is the one write path.
 */
import type { ServerResponse } from "node:http";
import type { KubeObject } from "../../lib/kind.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { statusError } from "../../lib/status.ts";
import type { AdmissionPlugin, User } from "../admission/plugin.ts";
import type { Cache } from "../cache/cache.ts";
import type { Store } from "../storage/store.ts";
import type { RequestInfo } from "./request_info.ts";
import type { ClusterConfig, ConnectTarget, Resource } from "./resource.ts";

/** What comes with a request besides itself. */
export interface RestContext {
  user: User;
  requestInfo: RequestInfo;
  /** `Warning` headers of the answer; what is in it already is kept. */
  warnings?: string[];
  /** Set for a request on a real connection: watches write their shared bytes straight to it. */
  outgoing?: ServerResponse;
  /** Further headers of an answer that is written straight to `outgoing`; others get theirs from the server's filters. */
  headers?: Readonly<Record<string, string>>;
  /** Aborts when the client is gone. */
  signal?: AbortSignal;
}

/** `/version`. */
export type VersionInfo = Readonly<Record<string, string>>;

/**
 * A kind that is asked and not stored (SelfSubjectAccessReview, TokenRequest): a create that answers. With `parent` it is
 * a subresource, `serviceaccounts/token`, and `parent` the existing object.
 */
export interface Review {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Schema definition of body and answer. */
  definition: string;
  subresourceOf?: { group: string; version: string; plural: string };
  answer(
    body: KubeObject,
    context: { user: User; namespace?: string; name?: string; parent?: KubeObject; dryRun: boolean },
  ): KubeObject | Promise<KubeObject>;
}

export interface RestParts {
  store: Store;
  cache: Cache;
  /** In the order of discovery; the first version of a group is the preferred one. */
  resources: readonly Resource[];
  reviews?: readonly Review[];
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
}

export function createRest(_parts: RestParts): Rest {
  return {
    handle: () => Promise.reject(statusError("ServiceUnavailable", "in work")),
    locate: () => Promise.reject(statusError("ServiceUnavailable", "in work")),
  };
}
