/** GET and LIST of kinds that are worked out and stored nowhere: no revisions, no pages, always the latest. */
import { notFound } from "../../lib/status.ts";
import { keyOf, type KubeObject } from "../../lib/kind.ts";
import { answerEntry, answerList } from "./answer.ts";
import type { Call } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { listOptions } from "./options.ts";
import type { Computed } from "./rest.ts";
import { selectionOf } from "./selection.ts";
import { Item } from "./text.ts";

/** Nothing is stored: all are of the same revision. */
const entryOf = (object: KubeObject) => new Item(keyOf(object), 0, JSON.stringify(object), object);

export async function answerComputed(call: Call, { objects, warning }: Computed): Promise<Response> {
  const { request, resource, namespace, query } = call;
  const now = call.core.clock.now();
  if (warning !== undefined) call.warn(warning);
  if (call.info.verb === "get") {
    const accepted = negotiate(request, query, "object");
    const name = call.info.name!;
    const found = (await objects({ namespace, name })).find(({ metadata }) => metadata.name === name);
    // As metrics-server says it: a name alone would not tell in which namespace it was looked for.
    if (found === undefined) throw notFound(resource, namespace === undefined ? name : `${namespace}/${name}`);
    return answerEntry(request, resource, entryOf(found), { accepted, now });
  }
  const accepted = negotiate(request, query, "list");
  const options = listOptions(query);
  const selection = selectionOf(resource, namespace, options.labels, options.fields);
  const entries = (await objects({ namespace })).map(entryOf).filter((entry) => selection.matches(entry))
    .sort((a, b) => a.key < b.key ? -1 : 1);
  return await answerList(request, resource, { metadata: {}, entries }, { accepted, now });
}
