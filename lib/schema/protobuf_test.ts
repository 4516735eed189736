import assert from "assert";
import fc from "fast-check";
import { StatusError } from "../status.ts";
import { arbitraryObject } from "./arbitrary.ts";
import { decodeBody } from "./decode.ts";
import { deployment, pod } from "./fixtures.ts";
import { Reader, Writer } from "./proto_wire.ts";
import { decodeMessage, ProtobufError, readEnvelope } from "./protobuf.ts";
import { encodeMessage, encodeProtobuf, encodeWatchFrame } from "./protobuf_encode.ts";
import { definition, definitionIds, definitionOf, gvkOf } from "./schema.ts";

const protobufType = "application/vnd.kubernetes.protobuf";
const hex = (text: string) => Uint8Array.from(text.match(/../g)!, (byte) => parseInt(byte, 16));

Deno.test("Writer and Reader agree on every integer", () => {
  fc.assert(fc.property(fc.maxSafeInteger(), (value) => {
    const writer = new Writer();
    writer.varint(value);
    assert.equal(new Reader(writer.finish()).int64(), value);
  }));
  const writer = new Writer();
  writer.varint(-1);
  const bytes = writer.finish();
  assert.equal(bytes.length, 10);
  assert.equal(new Reader(bytes).int32(), -1);
});

Deno.test("decodeMessage() reads back what encodeMessage() wrote, for every type", () => {
  for (const id of definitionIds()) {
    const type = definition(id);
    const tagged = [...type.fields].some(([, field]) => field.tag !== undefined);
    if (!tagged || type.name.startsWith("Conversion")) continue;
    const depth = type.root ? 4 : 3;
    fc.assert(
      fc.property(arbitraryObject(type, depth), (object) => {
        assert.deepEqual(decodeMessage(encodeMessage(object, type), type), object);
      }),
      { numRuns: 3 },
    );
  }
});

Deno.test("encodeProtobuf() and decodeBody() carry whole objects", () => {
  for (const object of [deployment(), pod()] as { apiVersion: string; kind: string }[]) {
    const [version, group = ""] = object.apiVersion.split("/").reverse() as [string, string?];
    const kind = { group, version, kind: object.kind };
    const type = definitionOf(kind);
    const body = encodeProtobuf(object, type);
    const decoded = decodeBody(body, protobufType, { kind, definition: type }).object;
    // `optional: false` is a pointer, and a required zero is written; all that was given comes back.
    assert.deepEqual(decoded, object);
  }
});

Deno.test("decodeBody() reads protobuf as Go writes it: zeros of plain fields are absent, those of pointers are kept", () => {
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  const object = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a", generateName: "", generation: 0, creationTimestamp: undefined },
    spec: {
      replicas: 0,
      minReadySeconds: 0,
      paused: false,
      strategy: {},
      selector: {},
      template: {
        spec: {
          containers: [{ name: "c", tty: false, resources: {} }],
          hostNetwork: false,
          terminationGracePeriodSeconds: 0,
        },
      },
    },
    status: {},
  };
  const type = definitionOf(kind);
  assert.deepEqual(decodeBody(encodeProtobuf(object, type), protobufType, { kind, definition: type }).object, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "a" },
    spec: {
      replicas: 0,
      strategy: {},
      selector: {},
      template: { spec: { containers: [{ name: "c", resources: {} }], terminationGracePeriodSeconds: 0 } },
    },
    status: {},
  });
});

Deno.test("decodeMessage() takes packed and single numbers, unknown fields, and an empty time for none", () => {
  const exits = definition("io.k8s.api.batch.v1.PodFailurePolicyOnExitCodesRequirement");
  assert.deepEqual(decodeMessage(hex("1a03018002" + "1805" + "18ffffffffffffffffff01"), exits), {
    values: [1, 256, 5, -1],
  });
  const meta = definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
  assert.deepEqual(decodeMessage(hex("0a0161" + "4200" + "f80701" + "fa070161"), meta), { name: "a" });
});

Deno.test("encodeWatchFrame() is a length and a WatchEvent with the object in its envelope", () => {
  const type = definitionOf({ group: "", version: "v1", kind: "Pod" });
  const frame = encodeWatchFrame("ADDED", encodeProtobuf(pod(), type));
  assert.equal(new DataView(frame.buffer).getUint32(0), frame.length - 4);
  const event = decodeMessage(frame.subarray(4), definitionOf({ group: "", version: "v1", kind: "WatchEvent" }));
  assert.deepEqual(event, { type: "ADDED", object: pod() });
});

Deno.test("encodeProtobuf() writes lists", () => {
  const type = definitionOf({ group: "", version: "v1", kind: "PodList" });
  const list = { apiVersion: "v1", kind: "PodList", metadata: { resourceVersion: "7" }, items: [pod(), pod()] };
  const { apiVersion: _a, kind: _k, ...bare } = pod();
  const { raw, kind } = readEnvelope(encodeProtobuf(list, type));
  assert.equal(kind, "PodList");
  assert.deepEqual(decodeMessage(raw, type), { metadata: { resourceVersion: "7" }, items: [bare, bare] });
});

Deno.test("decodeBody() answers garbage with BadRequest and nothing else", () => {
  const kinds = definitionIds().map((id) => gvkOf(definition(id))).filter((kind) => kind !== undefined);
  const magic = [0x6b, 0x38, 0x73, 0];
  const body = fc.uint8Array({ maxLength: 200 });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), body, fc.boolean(), (kind, bytes, wrapped) => {
      const writer = new Writer();
      writer.message(2, () => writer.raw(bytes));
      const input = wrapped ? Uint8Array.of(...magic, ...writer.finish()) : Uint8Array.of(...magic, ...bytes);
      try {
        decodeBody(input, protobufType, { kind, definition: definitionOf(kind) });
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === 400, String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

Deno.test("decodeMessage() survives damaged messages and bounds their depth", () => {
  const type = definitionOf({ group: "", version: "v1", kind: "Pod" });
  const good = encodeMessage(pod(), type);
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, byte, length) => {
      const bad = good.slice(0, length);
      if (at < bad.length) bad[at] = byte;
      try {
        decodeMessage(bad, type);
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error));
      }
    }),
    { numRuns: 2000 },
  );
  const writer = new Writer();
  const nest = (depth: number) => {
    if (depth > 0) writer.message(28, () => nest(depth - 1));
  };
  nest(200);
  const props = definition("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps");
  assert.throws(() => decodeMessage(writer.finish(), props), /max depth/);
});
