/** Batches that double while all goes well: what fails for one (quota, admission) then fails for few, not for hundreds. */

/**
 * Calls `run` `count` times: 1 at once, then 2, 4, …; after a batch with a failure no more are started, and the first error is thrown
 * when that batch has ended.
 */
export async function slowStart(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let started = 0;
  for (let size = 1; started < count; size *= 2) {
    const batch = Array.from({ length: Math.min(size, count - started) }, (_, i) => run(started + i));
    started += batch.length;
    const failed = (await Promise.allSettled(batch)).find((result) => result.status === "rejected");
    if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
  }
}

/** All at once; the first error is thrown when all have ended. */
export async function together<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const failed = (await Promise.allSettled(items.map(run))).find((result) => result.status === "rejected");
  if (failed !== undefined) throw (failed as PromiseRejectedResult).reason;
}
