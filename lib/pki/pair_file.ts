/** A certificate and its key as two files, `<path>.crt` and `<path>.key`, of which never one belongs to another than the other. */
import { readText, writeAtomic } from "../seams/files.ts";

/** A certificate and its private key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** `undefined` unless both are there. */
export async function readPair(path: string): Promise<KeyPair | undefined> {
  const [cert, key] = [await readText(`${path}.crt`), await readText(`${path}.key`)];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** The key is 0600. Stopped half-way it leaves a key without a certificate, which readPair() takes for nothing. */
export async function writePair(path: string, { cert, key }: KeyPair): Promise<void> {
  await Deno.remove(`${path}.crt`).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await writeAtomic(`${path}.key`, key);
  await writeAtomic(`${path}.crt`, cert, 0o644);
}
