/**
 * The ciphers of encryption at rest, in the forms that Kubernetes stores (k8s.io/apiserver/pkg/storage/value/encrypt/aes), as text:
 * base64 instead of bytes. Leaves out secretbox, whose XSalsa20 no library of ours has, and KMS plugins.
 */
import { Buffer } from "node:buffer";
import { createCipheriv, createDecipheriv } from "node:crypto";
import type { Random } from "../../../lib/seams/random.ts";

export type CipherName = "aesgcm" | "aescbc";

/** One way to turn a text into one that only the holder of a key can read. */
export interface Cipher {
  encrypt(text: string, about: string, random: Random): string;
  /** Throws when it was encrypted with another key, about something else, or was changed since. */
  decrypt(sealed: string, about: string): string;
}

/**
 * Authenticated with what it is about, so that nobody who can write to Redis can put one Secret in the place of another.
 * The nonces are random: by 2^32 writes with one key the chance that two are equal is 2^-32 (NIST SP 800-38D, 8.3).
 */
function aesGcm(key: Uint8Array): Cipher {
  const algorithm = `aes-${key.length * 8}-gcm` as "aes-256-gcm";
  const [nonceBytes, tagBytes] = [12, 16];
  return {
    encrypt(text, about, random) {
      const nonce = random.bytes(nonceBytes);
      const cipher = createCipheriv(algorithm, key, nonce);
      cipher.setAAD(Buffer.from(about));
      const parts = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
      return Buffer.concat(parts).toString("base64");
    },
    decrypt(sealed, about) {
      const bytes = Buffer.from(sealed, "base64");
      const end = bytes.length - tagBytes;
      if (end < nonceBytes) throw new Error("it was cut short");
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes));
      decipher.setAAD(Buffer.from(about));
      decipher.setAuthTag(bytes.subarray(end));
      const text = decipher.update(bytes.subarray(nonceBytes, end));
      return Buffer.concat([text, decipher.final()]).toString("utf8");
    },
  };
}

/** As upstream it authenticates nothing: who can write to Redis can swap values, and a changed one may be read as something else. */
function aesCbc(key: Uint8Array): Cipher {
  const algorithm = `aes-${key.length * 8}-cbc`;
  const blockBytes = 16;
  return {
    encrypt(text, _about, random) {
      const start = random.bytes(blockBytes);
      const cipher = createCipheriv(algorithm, key, start);
      return Buffer.concat([start, cipher.update(text, "utf8"), cipher.final()]).toString("base64");
    },
    decrypt(sealed) {
      const bytes = Buffer.from(sealed, "base64");
      if (bytes.length < 2 * blockBytes) throw new Error("it was cut short");
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, blockBytes));
      return Buffer.concat([decipher.update(bytes.subarray(blockBytes)), decipher.final()]).toString("utf8");
    },
  };
}

/** Bytes that a key of each may have: the runtime has no AES-192 in Galois/Counter Mode. */
export const keyBytes: Readonly<Record<CipherName, readonly number[]>> = { aesgcm: [16, 32], aescbc: [16, 24, 32] };

export const makeCipher: Readonly<Record<CipherName, (key: Uint8Array) => Cipher>> = {
  aesgcm: aesGcm,
  aescbc: aesCbc,
};
