/**
 * Several API servers on one Redis must be of one cluster: with the same authority, keys for tokens and keys for encryption. A host that
 * brings others of its own, because nobody has copied them, is refused before it has signed or written anything.
 */
import { settingsMap } from "../lib/join/settings.ts";
import type { ConfigMap } from "../lib/types/core_v1.ts";
import type { Cache } from "./cache/cache.ts";
import type { Credentials } from "./pki/credentials.ts";

/** What of the data directory all API servers of a cluster have in common. */
export const sharedFiles = [
  "cluster-id",
  "pki/ca.crt",
  "pki/ca.key",
  "pki/sa.key",
  "pki/encryption.yaml",
  "apiserver/admin.token",
] as const;

export interface Own {
  readonly dataDir: string;
  readonly credentials: Pick<Credentials, "clusterId" | "authority">;
  /** Ids of the keys that check tokens. */
  readonly tokenKeyIds: readonly string[];
  /** The file of keys for encryption, when it was made just now. */
  readonly newEncryption: string | undefined;
}

/** Throws an Error that says what is another's, and what to copy. */
export async function refuseForeign(cache: Cache, own: Own): Promise<void> {
  const foreign = foreignFile(cache, own);
  if (foreign === undefined) return;
  // Or the next start would take it for the cluster's.
  if (own.newEncryption !== undefined) await Deno.remove(own.newEncryption);
  throw new Error(
    `--redis: the cluster there has another ${foreign} than ${own.dataDir}. Copy ${
      sharedFiles.join(", ")
    } from the data directory of a ` +
      "host that serves it (docs/several_api_servers.md), or give this host a Redis, or a database, of its own",
  );
}

/** The first file that is another's; undefined when there is none, or no cluster yet. */
function foreignFile(cache: Cache, { credentials, tokenKeyIds, newEncryption }: Own): string | undefined {
  const data = dataOf(cache, `${settingsMap.namespace}/${settingsMap.name}`);
  const clusterId = data["cluster-id"];
  if (clusterId !== undefined && clusterId !== credentials.clusterId) return "cluster-id";
  const ca = dataOf(cache, `${settingsMap.namespace}/kube-root-ca.crt`)["ca.crt"];
  if (ca !== undefined && ca.trim() !== credentials.authority.cert.trim()) return "pki/ca.crt";
  const keys = data["token-key-ids"]?.split(",");
  if (keys !== undefined && !keys.some((id) => tokenKeyIds.includes(id))) return "pki/sa.key";
  // Old clusters have none: there the one that was just made is the first.
  return newEncryption !== undefined && data["encryption"] !== undefined ? "pki/encryption.yaml" : undefined;
}

function dataOf(cache: Cache, key: string): Readonly<Record<string, string>> {
  const entry = cache.resource("configmaps").get(key);
  return entry === undefined || entry.unreadable !== undefined ? {} : (entry.object as unknown as ConfigMap).data ?? {};
}
