/** GET of an object and of a collection, in every form of answer. */
import assert from "assert";
import { parse } from "yaml";
import { decodeMessage, readEnvelope } from "../../../lib/schema/protobuf.ts";
import { definitionOf } from "../../../apiserver/rest/body.ts";
import { type Answer, metaDefinition, namespace, types, type Walker, withoutZeros } from "./walker.ts";

const decoder = new TextDecoder();

export async function reads(w: Walker): Promise<void> {
  const made = await w.make({ walk: "read" });
  const { name } = made.metadata;
  await one(w, name, made);
  await many(w, name, made);
  await pages(w, name);
  await selects(w, name);
  await w.remove(name);
}

/** One object. */
async function one(w: Walker, name: string, made: Answer["body"]): Promise<void> {
  const path = w.path(name);
  const get = (accept: string, query = "") => w.does(200, "GET", path + query, undefined, { accept });
  assert.deepEqual((await get(types.json)).body, made);
  assert.deepEqual((await get(types.json, "?resourceVersion=0")).body, made);
  assert.deepEqual((await get("*/*")).body, made);
  const yaml = await get(types.yaml);
  assert.equal(yaml.headers.get("content-type"), types.yaml);
  assert.deepEqual(parse(decoder.decode(yaml.bytes)), made);
  const binary = await get(`${types.protobuf},${types.json}`);
  assert.equal(binary.headers.get("content-type"), types.protobuf);
  assert.deepEqual(withoutZeros(w.decode(binary.bytes)), withoutZeros(made));
  const pretty = await get(types.json, "?pretty=true");
  assert.deepEqual(pretty.body, made);
  assert.ok(decoder.decode(pretty.bytes).startsWith('{\n  "'));

  const partial = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: made.metadata };
  assert.deepEqual((await get(types.partial)).body, partial);
  const partialBinary = await get(`${types.protobuf};as=PartialObjectMetadata;v=v1;g=meta.k8s.io`);
  const decoded = w.decode(partialBinary.bytes, metaDefinition("PartialObjectMetadata"));
  assert.deepEqual(withoutZeros(decoded), withoutZeros(partial));

  for (const [query, object] of [["", partial], ["?includeObject=None", null], ["?includeObject=Object", made]]) {
    const { body } = await get(types.table, query);
    isTable(w, body);
    assert.deepEqual(body.rows.map((row: { object: unknown }) => row.object), [object], query);
    assert.equal(body.metadata.resourceVersion, made.metadata.resourceVersion);
  }
  await w.refuses([406, "NotAcceptable", /^only the following media types are accepted: application\/json/], ...[
    "GET",
    path,
    undefined,
    { accept: "text/html" },
  ]);
  for (const method of ["HEAD", "OPTIONS", "POST"]) {
    assert.equal((await w.send(method, path)).code, 405, method);
  }
}

function isTable(w: Walker, table: Answer["body"]): void {
  assert.equal(table.kind, "Table");
  assert.equal(table.apiVersion, "meta.k8s.io/v1");
  const [first] = table.columnDefinitions;
  assert.equal(first.name, w.resource.plural === "events" ? "Last Seen" : "Name");
  for (const row of table.rows) {
    assert.equal(row.cells.length, table.columnDefinitions.length, "a cell for each column");
    for (const cell of row.cells) assert.ok(cell === null || typeof cell !== "object", `${JSON.stringify(cell)}`);
  }
}

/** A collection. */
async function many(w: Walker, name: string, made: Answer["body"]): Promise<void> {
  const path = `${w.path()}?fieldSelector=metadata.name=${name}`;
  const list = (accept: string, query = "") => w.does(200, "GET", path + query, undefined, { accept });
  const { body } = await list(types.json);
  const metadata = { resourceVersion: String(await w.revision()) };
  assert.deepEqual(body, { kind: `${w.kind}List`, apiVersion: w.apiVersion, metadata, items: [made] });
  assert.deepEqual(parse(decoder.decode((await list(types.yaml)).bytes)), body);

  const { kind, apiVersion, raw } = readEnvelope((await list(types.protobuf)).bytes);
  assert.deepEqual([kind, apiVersion], [body.kind, body.apiVersion]);
  const items = itemsOf(raw).map((item) => ({
    apiVersion: w.apiVersion,
    kind: w.kind,
    ...decodeMessage(item, definitionOf(w.resource)),
  }));
  assert.deepEqual(withoutZeros(items), withoutZeros(body.items));

  const partials = (await list(types.partialList)).body;
  assert.equal(partials.kind, "PartialObjectMetadataList");
  const partial = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: made.metadata };
  assert.deepEqual(partials.items, [partial]);
  const table = (await list(`${types.table},${types.json}`)).body;
  isTable(w, table);
  assert.deepEqual(table.rows[0].object, partial);
  assert.deepEqual(table.metadata, metadata);
  if (!w.resource.namespaced) return;
  const everywhere = path.replace(`/namespaces/${namespace}`, "");
  assert.deepEqual((await w.does(200, "GET", everywhere)).body.items, [made]);
  assert.deepEqual((await w.does(200, "GET", path.replace("/walk/", "/nowhere/"))).body.items, []);
  for (const method of ["POST", "DELETE"]) {
    assert.equal((await w.send(method, everywhere, w.object(w.name()))).code, 405, `${method} everywhere`);
  }
}

/** The messages of field 2 of a list. */
function itemsOf(raw: Uint8Array): Uint8Array[] {
  const items: Uint8Array[] = [];
  for (let at = 0; at < raw.length;) {
    const tag = raw[at++]! >> 3;
    let length = 0;
    for (let shift = 0;; shift += 7) {
      const byte = raw[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    if (tag === 2) items.push(raw.subarray(at, at + length));
    at += length;
  }
  return items;
}

/** Two pages of one snapshot. */
async function pages(w: Walker, name: string): Promise<void> {
  if (!w.has("create")) return;
  const other = await w.make({ walk: "read" });
  const all = (await w.does(200, "GET", w.path())).body;
  const names = (body: Answer["body"]): string[] => body.items.map((item: Answer["body"]) => item.metadata.name);
  assert.ok(names(all).includes(name) && names(all).includes(other.metadata.name));
  const first = (await w.does(200, "GET", `${w.path()}?limit=1`)).body;
  assert.equal(first.items.length, 1);
  assert.equal(first.metadata.remainingItemCount, all.items.length - 1);
  await w.remove(other.metadata.name);
  const token = encodeURIComponent(first.metadata.continue);
  const rest = (await w.does(200, "GET", `${w.path()}?limit=1000&continue=${token}`)).body;
  assert.deepEqual([...names(first), ...names(rest)], names(all), "what was deleted meanwhile is still shown");
  assert.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal(rest.metadata.continue, undefined);
}

/** Selectors, and what can't be selected. */
async function selects(w: Walker, name: string): Promise<void> {
  const count = async (query: string) => (await w.does(200, "GET", `${w.path()}?${query}`)).body.items.length;
  assert.equal(await count("labelSelector=walk=read"), 1);
  assert.equal(await count("labelSelector=walk%20in%20(a,read),!b"), 1);
  assert.equal(await count("labelSelector=walk!=read"), await count("") - 1);
  if (w.resource.namespaced) {
    assert.equal(await count(`fieldSelector=metadata.name=${name},metadata.namespace=walk`), 1);
  }
  for (const field of Object.keys(w.resource.fields)) await count(`fieldSelector=${field}!=nothing`);
  const unknown = /^(field label .*not supported|"no.such" is not a known field selector: only )/;
  await w.refuses([400, "BadRequest", unknown], "GET", `${w.path()}?fieldSelector=no.such=1`);
  const trailing = "found '=', expected: ',' or 'end of string'";
  await w.refuses([400, "BadRequest", trailing], "GET", `${w.path()}?labelSelector=a=b=c`);
  await w.refuses([400, "BadRequest", /continue key is not valid/], "GET", `${w.path()}?continue=x`);
}
