/** Kinds that are posted and not stored: access reviews, tokens, bindings. */
import assert from "assert";
import { stringify } from "yaml";
import { apiVersionOf } from "../../../lib/kind.ts";
import { decodeMessage, readEnvelope } from "../../../lib/schema/protobuf.ts";
import { encodeProtobuf } from "../../../lib/schema/protobuf_encode.ts";
import { definition } from "../../../lib/schema/schema.ts";
import type { Posted } from "../../../apiserver/rest/resource.ts";
import { type Json, namespace, types, type Walker, withoutZeros } from "./walker.ts";

const resourceAttributes = { verb: "get", resource: "pods", namespace };

/** The least that is valid of each. */
const samples: Readonly<Record<string, Json>> = {
  LocalSubjectAccessReview: { metadata: { namespace }, spec: { user: "ann", resourceAttributes } },
  SelfSubjectAccessReview: { spec: { resourceAttributes } },
  SelfSubjectReview: {},
  SelfSubjectRulesReview: { spec: { namespace } },
  SubjectAccessReview: { spec: { user: "ann", resourceAttributes } },
  TokenRequest: { spec: { audiences: ["walk"], expirationSeconds: 600 } },
  TokenReview: { spec: { token: "walk" } },
};

/** What differs from one answer to the next. */
function lasting(answer: Json): unknown {
  const { token: _, expirationTimestamp: __, ...status } = (answer.status ?? {}) as Json;
  return withoutZeros({ ...answer, metadata: undefined, status });
}

export async function isAnswered(w: Walker, review: Posted): Promise<void> {
  const { kind, plural, group, version, subresourceOf: of } = review;
  const sample = samples[kind];
  if (sample === undefined) throw new Error(`${kind} has no sample: add one to tests/integration/walk/reviews.ts`);
  const place = of ?? review;
  const start = place.group === "" ? `/api/${place.version}` : `/apis/${place.group}/${place.version}`;
  const inside = review.namespaced ? `${start}/namespaces/${namespace}` : start;
  const path = of === undefined ? `${inside}/${plural}` : `${inside}/${of.plural}/default/${plural}`;
  const object: Json = { apiVersion: apiVersionOf(review), kind, ...sample };
  const schema = definition(review.definition);
  await w.unchanged(async () => {
    const { body } = await w.does(201, "POST", path, object);
    assert.deepEqual([body.kind, body.apiVersion], [kind, apiVersionOf({ group, version })]);
    assert.ok(body.status !== undefined, "it is answered");
    const yaml = await w.does(201, "POST", path, stringify(object), { type: types.yaml });
    assert.deepEqual(lasting(yaml.body), lasting(body));
    const accept = types.protobuf;
    const binary = await w.does(201, "POST", path, encodeProtobuf(object, schema), { type: types.protobuf, accept });
    const { raw, ...envelope } = readEnvelope(binary.bytes);
    const told = { kind: envelope.kind, apiVersion: envelope.apiVersion, ...decodeMessage(raw, schema) };
    assert.deepEqual(lasting(told), lasting(body));
    await w.does(201, "POST", `${path}?dryRun=All`, object);
    const unknown = { ...object, walked: 1 };
    await w.refuses([400, "BadRequest", /unknown field "walked"/], "POST", `${path}?fieldValidation=Strict`, unknown);
    for (const method of ["GET", "PUT", "DELETE"]) {
      const { headers } = await w.does(405, method, path, method === "PUT" ? object : undefined);
      assert.equal(headers.get("allow"), "POST");
    }
  });
  const { body: listed } = await w.does(200, "GET", start);
  const name = of === undefined ? plural : `${of.plural}/${plural}`;
  const own = listed.resources.find((one: Json) => one.name === name);
  assert.deepEqual([own.kind, own.verbs, own.namespaced], [kind, ["create"], review.namespaced]);
  const { body: openapi } = await w.does(200, "GET", `/openapi/v3${start}`);
  const template = path.replace(`/namespaces/${namespace}`, "/namespaces/{namespace}").replace("/default/", "/{name}/");
  assert.ok(openapi.paths[template]?.post, `post ${template} is described`);
}
