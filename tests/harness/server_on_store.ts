/** For tests: the REST machinery and its cache over any store, with real time: one API server of several in this process. */
import { onShare } from "../../apiserver/cache/entry.ts";
import { deepFreeze } from "./frozen.ts";
import { type Cache, createCache } from "../../apiserver/cache/cache.ts";
import { type WindowLimits, windowLimits } from "../../apiserver/cache/window.ts";
import { resources } from "../../apiserver/registry/mod.ts";
import { parseRequestInfo } from "../../apiserver/rest/request_info.ts";
import { createRest, type Rest } from "../../apiserver/rest/rest.ts";
import { errorResponse } from "../../apiserver/rest/status_answer.ts";
import type { Store } from "../../apiserver/storage/store.ts";
import { type Client, createClient } from "../../lib/client/client.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { testUser } from "./rest.ts";

export interface ServerOnStore {
  readonly store: Store;
  readonly cache: Cache;
  readonly rest: Rest;
  readonly client: Client;
  handle(request: Request): Promise<Response>;
  /** Ends the server and its watches; the store stays. */
  close(): Promise<void>;
}

export const storages: readonly string[] = [...new Set(resources.map(({ storage }) => storage))];

export interface ServerOptions {
  readonly window?: Partial<WindowLimits>;
  /** Resources that the cache follows; default: all that are served. */
  readonly storages?: readonly string[];
}

/** Everybody may do everything; there is no admission. */
export async function serverOn(store: Store, options: ServerOptions = {}): Promise<ServerOnStore> {
  onShare(deepFreeze);
  const cache = createCache(store, options.storages ?? storages, { window: { ...windowLimits, ...options.window } });
  await cache.start();
  const rest = createRest({
    store,
    cache,
    resources,
    admission: [],
    clock: systemClock,
    random: systemRandom,
    config: { serviceCidr: "10.96.0.0/16", nodePortRange: { from: 30000, to: 32767 }, clusterDomain: "cluster.local" },
    version: { major: "1", minor: "36", gitVersion: "v1.36.0+sauropod.test" },
  });
  const handle = async (request: Request): Promise<Response> => {
    try {
      const requestInfo = parseRequestInfo(request.method, new URL(request.url));
      return await rest.handle(request, { user: testUser, requestInfo });
    } catch (error) {
      return errorResponse(error);
    }
  };
  return { store, cache, rest, client: createClient(handle), handle, close: () => cache.close() };
}
