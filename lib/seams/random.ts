/** Chance and identity as an argument. */

export interface Random {
  /** In [0, 1). */
  number(): number;
  /** RFC 4122 version 4. */
  uuid(): string;
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

export const systemRandom: Random = {
  number: () => Math.random(),
  uuid: () => crypto.randomUUID(),
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** The same sequence for the same seed (mulberry32). For tests only. */
export function seededRandom(seed: number): Random {
  let a = seed >>> 0;
  const number = () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(number() * 256));
  return {
    number,
    bytes,
    uuid() {
      const b = bytes(16);
      b[6] = (b[6]! & 0x0f) | 0x40;
      b[8] = (b[8]! & 0x3f) | 0x80;
      const hex = [...b].map((x) => x.toString(16).padStart(2, "0")).join("");
      return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
  };
}

/** Kubernetes' alphabet for generated names: no vowels and no look-alikes, so no words (k8s.io/apimachinery/pkg/util/rand). */
const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `length` characters of the alphabet that Kubernetes uses for `generateName`. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = "";
  for (let i = 0; i < length; i++) suffix += alphabet[Math.floor(random.number() * alphabet.length)];
  return suffix;
}
