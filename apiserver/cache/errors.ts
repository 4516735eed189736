/** What a cache refuses. */
import type { Revision } from "../storage/store.ts";

/** The revision is older than the window, or of a lost epoch: 410 to the client. */
export class Expired extends Error {
  override name = "Expired";
  constructor(readonly resource: string, readonly asked: Revision, readonly oldest: Revision) {
    super(`${resource}: revision ${asked} is too old, the oldest that is still known is ${oldest}`);
  }
}

/** The cache did not get to a revision in time: the store is slow, or the revision is of the future. */
export class NotReached extends Error {
  override name = "NotReached";
  constructor(readonly asked: Revision, readonly current: Revision) {
    super(`revision ${asked} has not been reached, the cache is at ${current}`);
  }
}
