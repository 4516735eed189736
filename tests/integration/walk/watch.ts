/** A watch in every form, of all that is done to one object. */
import assert from "assert";
import { decodeMessage, readEnvelope } from "../../../lib/schema/protobuf.ts";
import { definitionOf } from "../../../apiserver/rest/body.ts";
import { type Json, metaDefinition, types, type Walker } from "./walker.ts";

interface Event {
  type: string;
  object: Json;
}

/** Events of one watch, read as they come. */
class Watching {
  readonly #stop = new AbortController();
  #bytes = new Uint8Array();

  private constructor(readonly form: string, readonly reader: ReadableStreamDefaultReader<Uint8Array>) {}

  static async open(w: Walker, form: keyof typeof forms, query: string): Promise<Watching> {
    const response = await w.open("GET", `${w.path()}?watch=true&${query}`, undefined, { accept: forms[form].accept });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("content-type"), forms[form].answers);
    return new Watching(form, response.body!.getReader());
  }

  /** The next message: a line, or what its length says. */
  async next(): Promise<Uint8Array> {
    for (;;) {
      const message = this.#taken();
      if (message !== undefined) return message;
      const { value, done } = await this.reader.read();
      assert.ok(!done, `the ${this.form} watch ended`);
      const more = new Uint8Array(this.#bytes.length + value.length);
      more.set(this.#bytes);
      more.set(value, this.#bytes.length);
      this.#bytes = more;
    }
  }

  #taken(): Uint8Array | undefined {
    const bytes = this.#bytes;
    const binary = this.form.startsWith("protobuf");
    const start = binary ? 4 : 0;
    const end = binary
      ? 4 + (bytes.length < 4 ? Infinity : new DataView(bytes.buffer, bytes.byteOffset).getUint32(0))
      : bytes.indexOf(10);
    if (end < 0 || end > bytes.length) return undefined;
    this.#bytes = bytes.slice(binary ? end : end + 1);
    return bytes.slice(start, end);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.reader.cancel();
  }
}

const stream = "application/vnd.kubernetes.protobuf;stream=watch";
const forms = {
  json: { accept: types.json, answers: types.json },
  table: { accept: `${types.table},${types.json}`, answers: types.json },
  partial: { accept: types.partial, answers: types.json },
  protobuf: { accept: types.protobuf, answers: stream },
  "protobuf partial": { accept: `${types.protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`, answers: stream },
} as const;

const utf8 = new TextDecoder();

/** An event in any form as its type and the object's kind, name and revision. */
function read(w: Walker, form: string, message: Uint8Array): Event {
  if (!form.startsWith("protobuf")) {
    const { type, object } = JSON.parse(utf8.decode(message));
    return { type, object: form === "table" ? object.rows[0].object : object };
  }
  const event = decodeMessage(message, metaDefinition("WatchEvent")) as { type: string; object: unknown };
  // The object's bytes are what follows its own magic number, whatever the field that holds them is made of.
  const at = message.findIndex((_, i) => utf8.decode(message.subarray(i, i + 4)) === "k8s\0");
  const { kind, raw } = readEnvelope(message.subarray(at));
  const definition = form === "protobuf" ? definitionOf(w.resource) : metaDefinition("PartialObjectMetadata");
  return { type: event.type, object: { kind, ...decodeMessage(raw, definition) } };
}

export async function watches(w: Walker): Promise<void> {
  const name = w.name();
  const query = `fieldSelector=metadata.name=${name}&resourceVersion=${await w.revision()}&allowWatchBookmarks=true`;
  const told = new Map<string, Event[]>();
  await using stack = new AsyncDisposableStack();
  const open: Watching[] = [];
  for (const form of Object.keys(forms) as (keyof typeof forms)[]) {
    open.push(stack.use(await Watching.open(w, form, query)));
    told.set(form, []);
  }
  await w.make({}, name);
  await w.does(200, "PATCH", w.path(name), { metadata: { labels: { walk: "watch" } } }, { type: types.merge });
  if (w.resource.status) {
    await w.does(200, "PATCH", w.path(name, "status"), { status: w.sample.status }, { type: types.merge });
  }
  await w.remove(name);
  const last = await w.revision();
  for (const watching of open) {
    const events = told.get(watching.form)!;
    while (events.at(-1)?.type !== "DELETED") events.push(read(w, watching.form, await watching.next()));
  }
  const [json] = told.values();
  const shown = (events: Event[]) =>
    events.map(({ type, object }) => [type, (object.metadata as Json).name, (object.metadata as Json).resourceVersion]);
  for (const [form, events] of told) {
    assert.deepEqual(shown(events), shown(json!), form);
    const kind = form === "json" || form === "protobuf" ? w.kind : "PartialObjectMetadata";
    for (const { object } of events) assert.equal(object.kind, kind, form);
  }
  const kinds = json!.map(({ type }) => type).join(" ");
  assert.match(
    kinds,
    w.resource.status ? /^ADDED MODIFIED MODIFIED (MODIFIED )*DELETED$/ : /^ADDED MODIFIED (MODIFIED )*DELETED$/,
  );
  const revisions = json!.map(({ object }) => Number((object.metadata as Json).resourceVersion));
  assert.deepEqual(revisions, revisions.toSorted((a, b) => a - b));
  assert.equal(revisions.at(-1), last, "a deletion has a revision of its own");
  await initial(w);
}

/** What there is, then the bookmark that says so. */
async function initial(w: Walker): Promise<void> {
  const { metadata: { name, resourceVersion } } = await w.make({ walk: "initial" });
  const query =
    "labelSelector=walk=initial&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
  {
    await using watching = await Watching.open(w, "json", query);
    const added = read(w, "json", await watching.next());
    assert.deepEqual([added.type, (added.object.metadata as Json).name], ["ADDED", name]);
    const { type, object } = read(w, "json", await watching.next());
    assert.equal(type, "BOOKMARK");
    const { annotations, resourceVersion: at } = object.metadata as Json;
    assert.deepEqual(annotations, { "k8s.io/initial-events-end": "true" });
    assert.ok(Number(at) >= Number(resourceVersion));
    assert.deepEqual([object.kind, object.apiVersion], [w.kind, w.apiVersion]);
  }
  await w.remove(name);
}
