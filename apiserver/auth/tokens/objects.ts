/** What tokens are bound to, from the watch cache. */
import type { KubeObject } from "../../../lib/kind.ts";
import type { Node, Pod, Secret, ServiceAccount } from "../../../lib/types/core_v1.ts";
import type { Cache } from "../../cache/cache.ts";
import { follow } from "../follow.ts";

export interface TokenObjects {
  /** Of an account that is not being deleted: without parsing, because whoever shows anything asks it. */
  accountUid(namespace: string, name: string): string | undefined;
  account(namespace: string, name: string): ServiceAccount | undefined;
  pod(namespace: string, name: string): Pod | undefined;
  secret(namespace: string, name: string): Secret | undefined;
  node(name: string): Node | undefined;
  /** Makes the others see everything that was written before. */
  fresh(): Promise<void>;
  close(): void;
}

/** `declared`: the resources that the cache knows. Of others there is nothing. */
export function createTokenObjects(cache: Cache, declared: readonly string[]): TokenObjects {
  const uids = new Map<string, string>();
  const get = <T>(storage: string, key: string) =>
    declared.includes(storage) ? cache.resource(storage).get(key)?.object as T | undefined : undefined;
  const stop = !declared.includes("serviceaccounts") ? () => {} : follow<KubeObject>(cache, "serviceaccounts", {
    reset: () => uids.clear(),
    put(key, { metadata }) {
      if (metadata.deletionTimestamp === undefined) uids.set(key, metadata.uid);
      else uids.delete(key);
    },
    remove: (key) => void uids.delete(key),
  });
  return {
    accountUid: (namespace, name) => uids.get(`${namespace}/${name}`),
    account: (namespace, name) => get("serviceaccounts", `${namespace}/${name}`),
    pod: (namespace, name) => get("pods", `${namespace}/${name}`),
    secret: (namespace, name) => get("secrets", `${namespace}/${name}`),
    node: (name) => get("nodes", name),
    fresh: async () => void await cache.fresh(),
    close: stop,
  };
}
