/** What every store refuses, before anything is sent: mistakes of the caller, not of the data. */
import type { Write } from "./store.ts";

/** Throws RangeError for a write that has no meaning. */
export function checkWrite(write: Write): void {
  const what = `${write.resource} ${write.key}`;
  if (write.resource === "" || write.key === "") throw new RangeError(`${what}: a write needs a resource and a key`);
  if (!Number.isSafeInteger(write.expected) || write.expected < 0) {
    throw new RangeError(`${what}: expected revision ${write.expected} is not a whole number from 0`);
  }
  if (write.type === "delete" && write.expected === 0) {
    throw new RangeError(`${what}: a delete needs the revision of what it deletes`);
  }
  for (const claim of write.claims ?? []) {
    if (claim.do !== "add") continue;
    for (const number of [claim.amount, claim.max ?? 0]) {
      if (!Number.isSafeInteger(number)) {
        throw new RangeError(`${what}: ${claim.space} ${claim.name}: ${number} is not a whole number`);
      }
    }
  }
}
