/**
 * Which numbers are picked: those that users like to ask for themselves (the first of a range) last, so that the two
 * rarely meet (KEP-3070 for cluster IPs, KEP-3668 for node ports). Pure; chance comes as an argument.
 */
import type { Random } from "../../../../lib/seams/random.ts";

/** Numbers from `first` to `last`; those below `dynamic` are only picked when there are no others. */
export interface Bands {
  readonly first: number;
  readonly dynamic: number;
  readonly last: number;
}

/** `size`: of the whole range. A sixteenth of it, at least 16 and at most 256; nothing of small ones. */
export function addressBand(size: number): number {
  return size <= 16 ? 0 : Math.min(Math.max(16, Math.trunc(size / 16)), 256);
}

/** A thirty-second, at least 16 and at most 128; nothing of small ones. */
export function portBand(size: number): number {
  return size < 16 ? 0 : Math.min(Math.max(16, Math.trunc(size / 32)), 128);
}

/** A free number, or `undefined` when there is none. */
export function pick(bands: Bands, random: Random, isTaken: (n: number) => boolean): number | undefined {
  return pickIn(bands.dynamic, bands.last, random, isTaken) ??
    pickIn(bands.first, Math.min(bands.dynamic, bands.last + 1) - 1, random, isTaken);
}

/** Starts anywhere and takes the first that is free, round the corner if need be. */
function pickIn(first: number, last: number, random: Random, isTaken: (n: number) => boolean): number | undefined {
  const size = last - first + 1;
  if (size <= 0) return undefined;
  const start = Math.floor(random.number() * size);
  for (let i = 0; i < size; i++) {
    const n = first + (start + i) % size;
    if (!isTaken(n)) return n;
  }
  return undefined;
}
