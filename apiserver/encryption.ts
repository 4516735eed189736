/** Encryption at rest as the settings say it: which file has the keys, and which keys are still needed. */
import type { Cache } from "./cache/cache.ts";
import type { ApiserverConfig } from "./config.ts";
import { EncryptingCodec } from "./storage/encryption/codec.ts";
import type { EncryptionRule } from "./storage/encryption/configuration.ts";
import type { EncryptionFile } from "./storage/encryption/file.ts";

/** The file that the settings name, or our own, beside the other keys that a backup needs. */
export function encryptionFile(
  config: Pick<ApiserverConfig, "data-dir" | "encryption-provider-config">,
): EncryptionFile {
  const given = config["encryption-provider-config"];
  return given === undefined
    ? { path: `${config["data-dir"]}/pki/encryption.yaml`, own: true }
    : { path: given, own: false };
}

/** How many objects of each resource are stored in another way than they would be written now: with an old key, or with none. */
export function staleBy(cache: Cache, storages: readonly string[]): [resource: string, count: number][] {
  return storages.map((storage): [string, number] => {
    const entries = cache.resource(storage).snapshot().entries();
    return [storage, entries.filter(({ seal }) => seal?.current === false).length];
  }).filter(([, count]) => count > 0);
}

/** Names shown of the objects that would be lost. */
const shownMax = 3;

/** Which objects nobody could read by these rules, for people; undefined when there are none. */
export function lostBy(
  rules: readonly EncryptionRule[],
  cache: Cache,
  storages: readonly string[],
): string | undefined {
  const lost = storages.flatMap((storage) => {
    const entries = cache.resource(storage).snapshot().entries().filter(({ seal }) =>
      seal !== undefined && !EncryptingCodec.reads(rules, seal)
    );
    if (entries.length === 0) return [];
    const names = entries.slice(0, shownMax).map(({ key }) => key);
    return [`${entries.length} of ${storage} (${names.join(", ")}${entries.length > shownMax ? ", …" : ""})`];
  });
  return lost.length === 0
    ? undefined
    : `by it nobody could read ${
      lost.join(", ")
    }: keep the key or provider that they are stored with until they are written again`;
}
