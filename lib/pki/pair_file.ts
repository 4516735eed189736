/** A certificate and its key as two files, of which never one belongs to another than the other. */
import { readText, writeAtomic } from "../seams/files.ts";

/** A certificate and its private key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

/** Where they are: `<path>.crt` and `<path>.key`, or two paths. */
export type PairFiles = string | { readonly cert: string; readonly key: string };

const pathsOf = (files: PairFiles) => typeof files === "string" ? { cert: `${files}.crt`, key: `${files}.key` } : files;

/** `undefined` unless both are there. */
export async function readPair(files: PairFiles): Promise<KeyPair | undefined> {
  const paths = pathsOf(files);
  const [cert, key] = [await readText(paths.cert), await readText(paths.key)];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** The key is 0600. Stopped half-way it leaves a key without a certificate, which readPair() takes for nothing. */
export async function writePair(files: PairFiles, { cert, key }: KeyPair): Promise<void> {
  const paths = pathsOf(files);
  await Deno.remove(paths.cert).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  await writeAtomic(paths.key, key);
  await writeAtomic(paths.cert, cert, 0o644);
}
