/** GET and LIST of kinds that are worked out and stored nowhere: no revisions, no pages, always the latest. */
import { notFound } from "../../lib/status.ts";
import { keyOf, type KubeObject } from "../../lib/kind.ts";
import type { Entry, Traits } from "../cache/cache.ts";
import { answerEntry, answerList } from "./answer.ts";
import type { Call } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { listOptions } from "./options.ts";
import type { Computed } from "./rest.ts";
import { selectionOf } from "./selection.ts";

const encoder = new TextEncoder();

/** Written out only when it is sent: most of a large list is selected away. Nothing is stored: all are of the same revision. */
class WorkedOut implements Entry {
  readonly key: string;
  readonly revision = 0;
  traits: Traits | undefined = undefined;
  #text: string | undefined;

  constructor(readonly object: KubeObject) {
    this.key = keyOf(object);
  }

  get text(): string {
    return this.#text ??= JSON.stringify(this.object);
  }

  get length(): number {
    return this.text.length;
  }

  get bytes(): Uint8Array<ArrayBuffer> {
    return encoder.encode(this.text);
  }
}

export async function answerComputed(call: Call, { objects, warning }: Computed): Promise<Response> {
  const { request, resource, namespace, query } = call;
  const now = call.core.clock.now();
  if (warning !== undefined) call.warn(warning);
  if (call.info.verb === "get") {
    const accepted = negotiate(request, query, "object");
    const name = call.info.name!;
    const found = (await objects({ namespace, name })).find(({ metadata }) => metadata.name === name);
    // As metrics-server says it: `nodes` would be taken for the real ones, and a name alone is not enough in a namespace.
    const what = { group: resource.group, plural: resource.kind.toLowerCase() };
    if (found === undefined) throw notFound(what, namespace === undefined ? name : `${namespace}/${name}`);
    return answerEntry(request, resource, new WorkedOut(found), { accepted, now });
  }
  const accepted = negotiate(request, query, "list");
  const options = listOptions(query);
  const selection = selectionOf(resource, namespace, options.labels, options.fields);
  const entries = (await objects({ namespace }))
    .map((object) => new WorkedOut(object))
    .filter((entry) => selection.matches(entry))
    .sort((a, b) => a.key < b.key ? -1 : 1);
  return await answerList(request, resource, { metadata: {}, entries }, { accepted, now });
}
