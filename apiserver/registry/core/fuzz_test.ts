import assert from "assert";
import fc from "fast-check";
import type { KubeObject } from "../../../lib/kind.ts";
import { clone } from "../../../lib/patch/equal.ts";
import { arbitraryObject } from "../../../lib/schema/arbitrary.ts";
import { applyDefaults } from "../../../lib/schema/defaults.ts";
import { definition } from "../../../lib/schema/schema.ts";
import { seededRandom } from "../../../lib/seams/random.ts";
import { StatusError } from "../../../lib/status.ts";
import { decodeObject } from "../../../lib/schema/validate.ts";
import type { Resource } from "../../rest/resource.ts";
import { lease } from "../coordination/lease.ts";
import { endpointSlice } from "../discovery/endpoint_slice.ts";
import { event as newEvent } from "../events/event.ts";
import { context, now } from "../meta/kind_scene.ts";
import { configMap } from "./config_map.ts";
import { endpoints } from "./endpoints.ts";
import { event } from "./event.ts";
import { limitRange } from "./limit_range.ts";
import { namespace } from "./namespace.ts";
import { node } from "./node.ts";
import { persistentVolume } from "./persistent_volume.ts";
import { persistentVolumeClaim } from "./persistent_volume_claim.ts";
import { resourceQuota } from "./resource_quota.ts";
import { secret } from "./secret.ts";
import { service } from "./service.ts";
import { serviceAccount } from "./service_account.ts";

const kinds = [
  event,
  newEvent,
  namespace,
  node,
  configMap,
  secret,
  serviceAccount,
  endpoints,
  lease,
  endpointSlice,
  service,
  limitRange,
  resourceQuota,
  persistentVolume,
  persistentVolumeClaim,
] as unknown as Resource[];

/** Whatever the decoder lets through: any field may be missing, also those that must be there. */
function objectsOf(kind: Resource): fc.Arbitrary<KubeObject> {
  const schema = definition(kind.definition);
  return arbitraryObject(schema, 6).map((given) => {
    const object = decodeObject(given, schema).object as unknown as KubeObject;
    object.metadata = { ...object.metadata, name: "web", namespace: "default", uid: "u" };
    return object;
  });
}

function defaultTwice(kind: Resource, object: KubeObject): void {
  const schema = definition(kind.definition);
  applyDefaults(object, schema);
  kind.defaults(object);
  const once = clone(object);
  applyDefaults(object, schema);
  kind.defaults(object);
  assert.deepEqual(object, once, `${kind.kind}: defaults of defaults`);
}

/** What rest/ does with an object that is to be written; answers the errors. */
function prepared(kind: Resource, object: KubeObject, old: KubeObject | undefined) {
  defaultTwice(kind, object);
  if (old !== undefined) kind.prepareUpdate?.(object, old, context);
  else {
    if (kind.status && !kind.createsWithStatus) Object.assign(object, { status: {} });
    kind.prepareCreate?.(object, context);
  }
  const before = clone(object);
  const changes = old === undefined ? kind.validateCreate?.(object) : kind.validateUpdate?.(object, old);
  const errors = [...kind.validate(object), ...changes ?? []];
  for (const warning of kind.warnings?.(object, old) ?? []) assert.equal(typeof warning, "string");
  assert.deepEqual(object, before, `${kind.kind}: validation changes nothing`);
  for (const { field, message } of errors) {
    assert.ok(!`${field} ${message}`.includes("undefined"), `${field}: ${message}`);
  }
  return errors;
}

for (const kind of kinds) {
  Deno.test(`${kind.group}/${kind.kind} takes whatever the decoder lets through`, () => {
    const objects = objectsOf(kind);
    fc.assert(
      fc.property(objects, objects, (object, next) => {
        const errors = prepared(kind, object, undefined);
        if (errors.length === 0) {
          show(kind, object);
          allocate(kind, object, undefined);
        }
        const old = clone(object);
        const changed = prepared(kind, next, object);
        assert.deepEqual(object, old, `${kind.kind}: an update leaves the old object alone`);
        if (errors.length === 0 && changed.length === 0) allocate(kind, next, object);
        kind.prepareStatus?.(next, object, context);
        kind.validateStatus?.(next, object);
        allocate(kind, undefined, object);
      }),
      { numRuns: 60 },
    );
  });
}

function show(kind: Resource, object: KubeObject): void {
  for (const column of kind.columns) {
    const cell = column.value(object, now);
    assert.ok(
      cell === null || ["string", "number", "boolean"].includes(typeof cell),
      `${kind.kind} ${column.name}: ${cell}`,
    );
  }
  for (const [name, field] of Object.entries(kind.fields)) assert.equal(typeof field(object), "string", name);
}

/** Refusals are answers, too. */
function allocate(kind: Resource, object: KubeObject | undefined, old: KubeObject | undefined): void {
  const { config } = context;
  try {
    kind.allocate?.(clone(object), old, { config, random: seededRandom(1), taken: () => new Set(), objects: () => [] });
  } catch (error) {
    assert.ok(error instanceof StatusError, String(error));
  }
}
