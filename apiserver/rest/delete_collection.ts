/** DELETE of a collection: each object that the selectors choose, as if it were deleted by itself. */
import { collectionDeletesMax } from "../../lib/limits.ts";
import { isReason } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { answerList } from "./answer.ts";
import type { Call } from "./call.ts";
import { deleteOptions, removeObject } from "./delete.ts";
import { readPage } from "./list.ts";
import { negotiate } from "./negotiate.ts";
import { listOptions } from "./options.ts";

/** Answers the objects as they were. What is gone already is no failure; the first real one ends it. */
export async function removeCollection(call: Call): Promise<Response> {
  const accepted = negotiate(call.request, call.query, "list");
  const page = await readPage(call, listOptions(call.query));
  const options = await deleteOptions(call);
  const left = page.entries.values();
  const failures: unknown[] = [];
  const worker = async () => {
    for (const entry of left) {
      if (failures.length > 0) return;
      await removeOne(call, entry, options).catch((error) => failures.push(error));
    }
  };
  await Promise.all(Array.from({ length: Math.min(collectionDeletesMax, page.entries.length) }, worker));
  if (failures.length > 0) throw failures[0];
  return await answerList(call.request, call.resource, page, { accepted, now: call.core.clock.now() });
}

async function removeOne(call: Call, entry: Entry, options: Parameters<typeof removeObject>[2]): Promise<void> {
  const { name } = entry.object.metadata;
  try {
    await removeObject(call, name, options);
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
