/** GET of one object. */
import { notFound } from "../../lib/status.ts";
import { answerEntry } from "./answer.ts";
import { cacheOf, type Call, keyFor } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { revisionParam } from "./options.ts";
import { readyFor } from "./read.ts";
import { viewOf } from "./view.ts";
import type { Entry } from "../cache/cache.ts";

/** The object that the path names, as recent as the query asks for. Throws NotFound. */
export async function readObject(call: Call): Promise<Entry> {
  await readyFor(call.core.cache, revisionParam(call.query));
  const name = call.info.name!;
  const entry = cacheOf(call).get(keyFor(call, name));
  if (entry === undefined) throw notFound(call.resource, name);
  return viewOf(call.resource, entry);
}

export async function get(call: Call): Promise<Response> {
  const accepted = negotiate(call.request, call.query, "object");
  const entry = await readObject(call);
  return answerEntry(call.request, call.resource, entry, { accepted, now: call.core.clock.now() });
}
