/**
 * The hash that names the replica set of a pod template: FNV-1a of the template and the collision count, in letters that make no words
 * (pkg/controller/controller_utils.go ComputeHash, apimachinery rand.SafeEncodeString). The template goes in as canonical JSON where
 * Kubernetes prints Go structures: the names differ from those of another cluster, as they do between versions of Kubernetes.
 */
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { canonicalJson } from "../same.ts";

const letters = "bcdfghjklmnpqrstvwxz2456789";

/** FNV-1a, 32 bits. */
export function fnv32a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** Each character of the text, as one that is safe in a name. */
export function safeEncode(text: string): string {
  return [...text].map((char) => letters[char.charCodeAt(0) % letters.length]).join("");
}

export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  const text = new TextEncoder().encode(canonicalJson(template));
  if (collisionCount === undefined) return safeEncode(String(fnv32a(text)));
  const bytes = new Uint8Array(text.length + 8);
  bytes.set(text);
  new DataView(bytes.buffer).setUint32(text.length, collisionCount, true);
  return safeEncode(String(fnv32a(bytes)));
}
