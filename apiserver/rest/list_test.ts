import assert from "assert";
import { gunzipSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { createFixture, type Fixture } from "../../tests/harness/rest.ts";

const configMaps = "/api/v1/namespaces/d/configmaps";

/** Five ConfigMaps a…e in d, at the revisions 1…5, two of them of team x. */
async function withFive(): Promise<Fixture> {
  const f = await createFixture();
  for (const name of ["a", "b", "c", "d", "e"]) {
    const labels = { team: name < "c" ? "x" : "y" };
    await f.send("POST", configMaps, { metadata: { name, labels }, data: { x: "1" } });
  }
  return f;
}

// deno-lint-ignore no-explicit-any -- a list of anything
const names = (list: any) => list.items.map((item: any) => item.metadata.name).join("");

Deno.test("list() selects, and says what can't be selected", async () => {
  const f = await withFive();
  await f.send("POST", "/api/v1/namespaces/other/configmaps", { metadata: { name: "z" } });
  const table: [string, string][] = [
    [configMaps, "abcde"],
    ["/api/v1/configmaps", "abcdez"],
    [`${configMaps}?labelSelector=team%3Dx`, "ab"],
    [`${configMaps}?labelSelector=team!%3Dx`, "cde"],
    [`${configMaps}?labelSelector=team+in+(x,y),!foo`, "abcde"],
    [`${configMaps}?fieldSelector=metadata.name%3Dc`, "c"],
    [`${configMaps}?fieldSelector=metadata.name!%3Dc`, "abde"],
    [`${configMaps}?fieldSelector=metadata.name%3Dc,metadata.namespace%3Dd`, "c"],
    [`${configMaps}?fieldSelector=metadata.name%3Dc,metadata.name%3Dd`, ""],
    [`${configMaps}?fieldSelector=metadata.name%3Dnone`, ""],
    ["/api/v1/configmaps?fieldSelector=metadata.name%3Dz", "z"],
    ["/api/v1/configmaps?fieldSelector=metadata.namespace%3Dother", "z"],
  ];
  for (const [path, want] of table) assert.equal(names((await f.send("GET", path)).body), want, path);
  const bad: [string, string][] = [
    ["fieldSelector=spec.x%3Dy", '"spec.x" is not a known field selector: only "metadata.name", "metadata.namespace"'],
    ["labelSelector=%3D%3D", ""],
    ["limit=many", 'strconv.ParseInt: parsing "many": invalid syntax'],
    ["shardSelector=x", "shardSelector is not supported by this server"],
  ];
  for (const [query, message] of bad) {
    const { status, body } = await f.send("GET", `${configMaps}?${query}`);
    assert.equal(status, 400);
    assert.ok(body.message.includes(message), body.message);
  }
  await f.close();
});

Deno.test("list() pages through one snapshot, whatever is written meanwhile", async () => {
  const f = await withFive();
  const first = (await f.send("GET", `${configMaps}?limit=2`)).body;
  assert.deepEqual([names(first), first.metadata.resourceVersion, first.metadata.remainingItemCount], ["ab", "5", 3]);
  await f.send("DELETE", `${configMaps}/c`);
  await f.send("POST", configMaps, { metadata: { name: "bb" } });
  const second = (await f.send("GET", `${configMaps}?limit=2&continue=${first.metadata.continue}`)).body;
  assert.deepEqual([names(second), second.metadata.resourceVersion, second.metadata.remainingItemCount], [
    "cd",
    "5",
    1,
  ]);
  const third = (await f.send("GET", `${configMaps}?limit=2&continue=${second.metadata.continue}`)).body;
  assert.deepEqual([names(third), third.metadata.continue, third.metadata.remainingItemCount], [
    "e",
    undefined,
    undefined,
  ]);
  const selected = (await f.send("GET", `${configMaps}?limit=1&labelSelector=team%3Dx`)).body;
  assert.deepEqual([names(selected), selected.metadata.remainingItemCount], ["a", undefined]);
  const last =
    (await f.send("GET", `${configMaps}?limit=1&labelSelector=team%3Dx&continue=${selected.metadata.continue}`)).body;
  assert.deepEqual([names(last), last.metadata.continue], ["b", undefined]);
  await f.close();
});

Deno.test("list() reads at the revision that is asked for", async () => {
  const f = await withFive();
  const forbidden = (detail: string) =>
    `ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: ${detail}`;
  const table: [string, number, string][] = [
    ["", 200, "abcde@5"],
    ["resourceVersion=0", 200, "abcde@5"],
    ["resourceVersion=3", 200, "abcde@5"],
    ["resourceVersion=3&limit=9", 200, "abc@3"],
    ["resourceVersion=3&resourceVersionMatch=Exact", 200, "abc@3"],
    ["resourceVersion=3&resourceVersionMatch=NotOlderThan", 200, "abcde@5"],
    ["resourceVersion=3&resourceVersionMatch=NotOlderThan&limit=1", 200, "a@5"],
    ["resourceVersion=0&resourceVersionMatch=NotOlderThan", 200, "abcde@5"],
    [
      "resourceVersion=0&resourceVersionMatch=Exact",
      422,
      forbidden('resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
    ],
    [
      "resourceVersionMatch=Exact",
      422,
      forbidden("resourceVersionMatch is forbidden unless resourceVersion is provided"),
    ],
    [
      "resourceVersion=3&resourceVersionMatch=Nearly",
      422,
      'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Unsupported value: "Nearly": supported values: "Exact", "NotOlderThan", ""',
    ],
    [
      "sendInitialEvents=true",
      422,
      'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list',
    ],
    ["resourceVersion=99", 504, "Too large resource version: 99, current: 5"],
    ["resourceVersion=x", 400, 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'],
    ["resourceVersion=3&continue=abc", 400, "specifying resource version is not allowed when using continue"],
    ["continue=abc", 400, "continue key is not valid: it holds no token"],
    ["continue=a.b", 400, "continue key is not valid: illegal base64 data"],
  ];
  for (const [query, status, want] of table) {
    const answer = await f.send("GET", `${configMaps}?${query}`);
    const { body } = answer;
    assert.equal(answer.status, status, query + answer.text);
    assert.equal(status === 200 ? `${names(body)}@${body.metadata.resourceVersion}` : body.message, want, query);
  }
  const future = await f.send("GET", `${configMaps}/a?resourceVersion=99`);
  assert.deepEqual([future.status, future.headers.get("retry-after"), future.body.details.causes[0].reason], [
    504,
    "1",
    "ResourceVersionTooLarge",
  ]);
  await f.close();
});

Deno.test("an expired continue is answered with a token to go on from", async () => {
  const f = await createFixture({ window: { eventsMax: 4, eventsMin: 1 } });
  for (const name of ["a", "b", "c"]) await f.send("POST", configMaps, { metadata: { name } });
  const { metadata } = (await f.send("GET", `${configMaps}?limit=1`)).body;
  for (let i = 0; i < 20; i++) {
    await f.send("POST", configMaps, { metadata: { name: `m${i}` } });
    await f.send("DELETE", `${configMaps}/m${i}`);
  }
  await f.cache.fresh();
  const old = await f.send("GET", `${configMaps}?resourceVersion=2&resourceVersionMatch=Exact`);
  assert.deepEqual([old.status, old.body.reason, old.body.message], [
    410,
    "Expired",
    "The resourceVersion for the provided list is too old.",
  ]);
  const expired = await f.send("GET", `${configMaps}?limit=1&continue=${await forget(f, metadata.continue)}`);
  assert.deepEqual([expired.status, expired.body.reason], [410, "Expired"]);
  assert.match(expired.body.message, /^The provided continue parameter is too old/);
  const rest = await f.send("GET", `${configMaps}?continue=${expired.body.metadata.continue}`);
  assert.deepEqual([rest.status, names(rest.body)], [200, "bc"]);
  await f.close();
});

/** A token that says an older revision: the snapshot of the page itself may still be kept. */
function forget(_f: Fixture, token: string): string {
  const parsed = JSON.parse(Buffer.from(token, "base64url").toString());
  return Buffer.from(JSON.stringify({ ...parsed, rv: 1 })).toString("base64url");
}

Deno.test("get() and list() answer in the form that the client accepts", async () => {
  const f = await withFive();
  const table = "application/json;as=Table;v=v1;g=meta.k8s.io";
  const partial = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
  const asTable =
    (await f.send("GET", `${configMaps}?limit=1`, undefined, { accept: `${table},application/json` })).body;
  assert.deepEqual(
    [
      asTable.kind,
      asTable.apiVersion,
      asTable.columnDefinitions[0].name,
      asTable.rows[0].cells[0],
      asTable.rows[0].object.kind,
    ],
    ["Table", "meta.k8s.io/v1", "Name", "a", "PartialObjectMetadata"],
  );
  assert.equal(asTable.metadata.remainingItemCount, 4);
  const whole = (await f.send("GET", `${configMaps}?includeObject=Object`, undefined, { accept: table })).body;
  assert.equal(whole.rows[0].object.kind, "ConfigMap");
  const none = (await f.send("GET", `${configMaps}?includeObject=None`, undefined, { accept: table })).body;
  assert.equal(none.rows[0].object, null);
  const metadata = (await f.send("GET", configMaps, undefined, { accept: partial })).body;
  assert.deepEqual([metadata.kind, metadata.items[0].kind, metadata.items[0].data], [
    "PartialObjectMetadataList",
    "PartialObjectMetadata",
    undefined,
  ]);
  const yaml = await f.send("GET", configMaps, undefined, { accept: "application/yaml" });
  assert.match(yaml.text, /^apiVersion: v1\nkind: ConfigMapList\n/);
  assert.match(yaml.text, /\n- apiVersion: v1\n {2}kind: ConfigMap\n/);
  const fallback = await f.send("GET", configMaps, undefined, {
    accept: "application/json;as=Table;v=v1beta1;g=meta.k8s.io, application/json;q=0.5, text/html",
  });
  assert.equal(fallback.body.kind, "ConfigMapList");
  for (const [path, accept] of [[configMaps, "text/html"], [`${configMaps}/a`, "application/xml, text/plain"]]) {
    const refused = await f.send("GET", path!, undefined, { accept: accept! });
    assert.deepEqual([refused.status, refused.body.reason], [406, "NotAcceptable"]);
  }
  const pretty = await f.send("GET", `${configMaps}/a?pretty=true`);
  assert.ok(pretty.text.startsWith('{\n  "apiVersion": "v1",\n'));
  await f.close();
});

Deno.test("list() in protobuf is one well-formed message", async () => {
  const f = await withFive();
  const accept = "application/vnd.kubernetes.protobuf, application/json";
  const response = await f.raw("GET", configMaps, undefined, { headers: { accept } });
  assert.equal(response.headers.get("content-type"), "application/vnd.kubernetes.protobuf");
  const bytes = new Uint8Array(await response.arrayBuffer());
  const { readEnvelope, decodeMessage } = await import("../../lib/schema/protobuf.ts");
  const { definition } = await import("../../lib/schema/schema.ts");
  const { apiVersion, kind, raw } = readEnvelope(bytes);
  assert.deepEqual([apiVersion, kind], ["v1", "ConfigMapList"]);
  const list = decodeMessage(raw, definition("io.k8s.api.core.v1.ConfigMapList"));
  assert.equal(names(list), "abcde");
  assert.equal((list.metadata as { resourceVersion: string }).resourceVersion, "5");
  await f.close();
});

Deno.test("big answers are compressed for who can read that, and streamed", async () => {
  const f = await createFixture();
  const data = { x: "0123456789".repeat(3_000) };
  for (let i = 0; i < 40; i++) await f.send("POST", configMaps, { metadata: { name: `m${i}` }, data });
  const plain = await f.send("GET", configMaps);
  assert.equal(plain.body.items.length, 40);
  const response = await f.raw("GET", configMaps, undefined, { headers: { "accept-encoding": "deflate, gzip" } });
  assert.equal(response.headers.get("content-encoding"), "gzip");
  const text = gunzipSync(new Uint8Array(await response.arrayBuffer())).toString();
  assert.equal(text, plain.text);
  const small = await f.raw("GET", `${configMaps}/m1`, undefined, { headers: { "accept-encoding": "gzip" } });
  assert.equal(small.headers.get("content-encoding"), null);
  await small.body!.cancel();
  const refused = await f.raw("GET", configMaps, undefined, { headers: { "accept-encoding": "gzip;q=0" } });
  assert.equal(refused.headers.get("content-encoding"), null);
  await refused.body!.cancel();
  await f.close();
});
