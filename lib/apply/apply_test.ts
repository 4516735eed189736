import assert from "assert";
import fc from "fast-check";
import { clone, deepEqual, type Json } from "../patch/equal.ts";
import { arbitraryObject } from "../schema/arbitrary.ts";
import { deployment, pod } from "../schema/fixtures.ts";
import { definitionOf } from "../schema/schema.ts";
import { StatusError } from "../status.ts";
import { applyPatch, trackUpdate } from "./apply.ts";
import { fieldSetOf } from "./fieldset.ts";
import type { ManagedFieldsEntry } from "./managed_fields.ts";

const kind = { group: "apps", version: "v1", kind: "Deployment" };
const definition = definitionOf(kind);
const start = Date.UTC(2026, 0, 1);

/** One object, written by several managers in turn. */
class World {
  object: Json | undefined;
  #now = start;

  get managed(): ManagedFieldsEntry[] {
    return ((this.object?.metadata ?? {}) as { managedFields?: ManagedFieldsEntry[] }).managedFields ?? [];
  }

  /** FieldsV1 of a manager's spec. */
  owns(manager: string, operation = "Apply"): unknown {
    const found = this.managed.find((m) => m.manager === manager && m.operation === operation);
    return found?.fieldsV1?.["f:spec"] ?? found?.fieldsV1;
  }

  #store(object: Json, managedFields: ManagedFieldsEntry[]): void {
    this.object = clone({ ...object, metadata: { uid: "u", ...object.metadata as Json, managedFields } });
    this.#now += 1000;
  }

  apply(manager: string, spec: Json, options: { force?: boolean; metadata?: Json } = {}): this {
    const config = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web", ...options.metadata }, spec };
    const { object, managedFields } = applyPatch({
      live: this.object,
      config,
      definition,
      apiVersion: "apps/v1",
      kind: "Deployment",
      manager,
      force: options.force === true,
      ignored: fieldSetOf("status"),
      now: this.#now,
    });
    this.#store(object, managedFields);
    return this;
  }

  update(manager: string, change: (object: Json) => void, subresource?: string): this {
    const after: Json = this.object === undefined
      ? { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } }
      : clone(this.object);
    change(after);
    const ignored = subresource === "status" ? fieldSetOf("spec", "metadata.labels") : fieldSetOf("status");
    const managedFields = trackUpdate({
      before: this.object,
      after,
      definition,
      apiVersion: "apps/v1",
      manager,
      subresource,
      ignored,
      now: this.#now,
    });
    this.#store(after, managedFields);
    return this;
  }

  get spec(): Json {
    return this.object!.spec as Json;
  }
}

const spec = (object: Json) => object.spec as Json;
const containers = (...list: Json[]) => ({ template: { spec: { containers: list } } });
const containersOf = (world: World) => (world.spec.template as { spec: { containers: Json[] } }).spec.containers;

function conflictOf(run: () => unknown): { message: string; fields: string[] } {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof StatusError && error.code === 409, String(error));
    return { message: error.message, fields: error.status.details!.causes!.map((c) => c.field!) };
  }
  throw new Error("there was no conflict");
}

Deno.test("applyPatch() creates, and owns what it names", () => {
  const world = new World().apply("a", {
    replicas: 1,
    ...containers({ name: "c", image: "1", ports: [{ containerPort: 80 }] }),
  });
  assert.deepEqual(world.spec, {
    replicas: 1,
    ...containers({ name: "c", image: "1", ports: [{ containerPort: 80 }] }),
  });
  assert.deepEqual(world.managed, [{
    manager: "a",
    operation: "Apply",
    apiVersion: "apps/v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: {
      "f:spec": {
        "f:replicas": {},
        "f:template": {
          "f:spec": {
            "f:containers": {
              'k:{"name":"c"}': {
                ".": {},
                "f:image": {},
                "f:name": {},
                "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
              },
            },
          },
        },
      },
    },
  }]);
});

Deno.test("applyPatch() removes what it does not name any more", () => {
  const world = new World().apply("a", { replicas: 1, paused: true, ...containers({ name: "c" }, { name: "d" }) });
  world.apply("a", { replicas: 1, ...containers({ name: "d" }) });
  assert.deepEqual(world.spec, { replicas: 1, ...containers({ name: "d" }) });
});

Deno.test("applyPatch() keeps what others own when it drops it", () => {
  const world = new World().apply("a", { replicas: 1, paused: true }).apply("b", { replicas: 1 });
  assert.deepEqual(world.owns("b"), { "f:replicas": {} });
  world.apply("a", { paused: true });
  assert.deepEqual(world.spec, { replicas: 1, paused: true });
  world.apply("b", { minReadySeconds: 3 });
  assert.deepEqual(world.spec, { paused: true, minReadySeconds: 3 });
});

Deno.test("applyPatch() keeps what an update owns, and takes away a struct of which it owned all that is named", () => {
  const world = new World().apply("a", { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 2 } } });
  world.update("defaults", () => {});
  world.object = {
    ...world.object!,
    spec: { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 2, maxUnavailable: "25%" } } },
  };
  const other = Object.assign(new World(), { object: clone(world.object) });
  assert.deepEqual(world.apply("a", { paused: true }).spec, { paused: true });
  other.update("u", (o) => ((spec(o).strategy as Json).rollingUpdate as Json).maxUnavailable = 1);
  assert.deepEqual(other.apply("a", { paused: true }).spec, {
    paused: true,
    strategy: { rollingUpdate: { maxUnavailable: 1 } },
  });
});

Deno.test("applyPatch() reports every conflict in Kubernetes' words", () => {
  const world = new World().apply("a", { replicas: 1, ...containers({ name: "c", image: "1" }) });
  assert.deepEqual(conflictOf(() => world.apply("b", { replicas: 2 })), {
    message: 'Apply failed with 1 conflict: conflict with "a": .spec.replicas',
    fields: [".spec.replicas"],
  });
  world.update("u", (o) => spec(o).replicas = 3);
  assert.deepEqual(conflictOf(() => world.apply("b", { replicas: 2, ...containers({ name: "c", image: "2" }) })), {
    message:
      'Apply failed with 2 conflicts: conflicts with "a":\n- .spec.template.spec.containers[name="c"].image\nconflicts with "u" using apps/v1:\n- .spec.replicas',
    fields: ['.spec.template.spec.containers[name="c"].image', ".spec.replicas"],
  });
  world.update("scaler", (o) => spec(o).replicas = 4, "scale");
  assert.match(
    conflictOf(() => world.apply("b", { replicas: 2 })).message,
    /conflict with "scaler" with subresource "scale" using apps\/v1/,
  );
});

Deno.test("applyPatch() with force takes fields over", () => {
  const world = new World().apply("a", { replicas: 1, paused: true }).apply("b", { replicas: 2 }, { force: true });
  assert.equal(world.spec.replicas, 2);
  assert.deepEqual(world.owns("a"), { "f:paused": {} });
  assert.deepEqual(world.owns("b"), { "f:replicas": {} });
});

Deno.test("applyPatch() shares what is equal and conflicts when a sharer changes it", () => {
  const world = new World().apply("a", { replicas: 1 }).apply("b", { replicas: 1 });
  assert.deepEqual(conflictOf(() => world.apply("a", { replicas: 2 })).fields, [".spec.replicas"]);
});

Deno.test("applyPatch() compares canonical values: 0.5 is 500m", () => {
  const world = new World().update(
    "u",
    (o) => o.spec = containers({ name: "c", resources: { limits: { cpu: "500m" } } }),
  );
  world.apply("a", containers({ name: "c", resources: { limits: { cpu: "0.5" } } }));
  assert.deepEqual(containersOf(world), [{ name: "c", resources: { limits: { cpu: "500m" } } }]);
});

Deno.test("applyPatch() merges lists by key and keeps the order of both", () => {
  const world = new World().update(
    "u",
    (o) => o.spec = containers({ name: "x" }, { name: "a", image: "1" }, { name: "y" }, { name: "b" }),
  );
  world.apply("m", containers({ name: "n" }, { name: "b", image: "2" }, { name: "a", image: "1" }));
  assert.deepEqual(containersOf(world).map((c) => c.name), ["x", "y", "n", "b", "a"]);
  assert.deepEqual(containersOf(world).find((c) => c.name === "b"), { name: "b", image: "2" });
});

Deno.test("applyPatch() merges sets, and owns atomic values as a whole", () => {
  const world = new World().apply("a", { selector: { matchLabels: { x: "1" } } }, {
    metadata: { finalizers: ["f/a"] },
  });
  world.apply("b", {}, { metadata: { finalizers: ["f/b"] } });
  assert.deepEqual((world.object!.metadata as Json).finalizers, ["f/a", "f/b"]);
  assert.deepEqual(conflictOf(() => world.apply("b", { selector: { matchLabels: { y: "1" } } })).fields, [
    ".spec.selector",
  ]);
  world.apply("a", { selector: { matchLabels: { x: "1" } } });
  assert.deepEqual((world.object!.metadata as Json).finalizers, ["f/b"]);
});

Deno.test("applyPatch() keeps an object that it names and that becomes empty", () => {
  const volumes = (source: Json) => ({ template: { spec: { volumes: [{ name: "v", ...source }] } } });
  const world = new World().apply("a", volumes({ emptyDir: { sizeLimit: "1Gi" } })).apply(
    "a",
    volumes({ emptyDir: {} }),
  );
  assert.deepEqual(world.spec, volumes({ emptyDir: {} }));
});

Deno.test("applyPatch() on an object without managers leaves the old fields to before-first-apply", () => {
  const world = new World();
  world.object = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", uid: "u" },
    spec: { replicas: 1, paused: true },
  };
  assert.match(conflictOf(() => world.apply("a", { replicas: 2 })).message, /"before-first-apply" using apps\/v1/);
  world.apply("a", { replicas: 1 });
  assert.deepEqual(world.owns("before-first-apply", "Update"), { "f:paused": {}, "f:replicas": {} });
});

Deno.test("applyPatch() as kubectl takes over from client-side apply, and keeps its annotation current", () => {
  const annotation = "kubectl.kubernetes.io/last-applied-configuration";
  const create = () =>
    new World().update("kubectl-client-side-apply", (o) => {
      o.spec = { replicas: 1, paused: true };
      const applied = JSON.stringify({
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "web" },
        spec: { replicas: 1 },
      });
      (o.metadata as Json).annotations = { [annotation]: applied };
    });
  const world = create().apply("kubectl", { replicas: 2 });
  assert.equal(world.spec.replicas, 2);
  assert.equal(
    ((world.object!.metadata as Json).annotations as Json)[annotation],
    '{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"replicas":2}}\n',
  );
  assert.deepEqual(conflictOf(() => create().apply("kubectl", { replicas: 2, paused: false })).fields, [
    ".spec.paused",
  ]);
  assert.deepEqual(conflictOf(() => create().apply("other", { replicas: 2 })).fields, [".spec.replicas"]);
});

Deno.test("applyPatch() that changes nothing changes no time", () => {
  const world = new World().apply("a", { replicas: 1 });
  const before = clone(world.object);
  world.apply("a", { replicas: 1 });
  assert.deepEqual(world.object, before);
});

Deno.test("applyPatch() refuses configurations that do not fit", () => {
  const base = {
    definition,
    apiVersion: "apps/v1",
    kind: "Deployment",
    manager: "a",
    force: false,
    live: undefined,
    now: start,
  };
  const table: [unknown, RegExp][] = [
    [[1], /not an object/],
    [
      { apiVersion: "v1", kind: "Deployment" },
      /Incorrect version specified in apply patch. Specified patch version: v1, expected: apps\/v1/,
    ],
    [{ metadata: { managedFields: [{ manager: "x" }] } }, /metadata.managedFields must be nil/],
    [
      { metadata: { name: "w", namespace: "n" }, spec: { foo: 1 } },
      /failed to create typed patch object \(n\/w; apps\/v1, Kind=Deployment\): \.spec\.foo: field not declared in schema/,
    ],
    [{ spec: { replicas: "x" } }, /cannot unmarshal string/],
    [
      { spec: containers({ name: "a" }, { name: "a" }) },
      /\.spec\.template\.spec\.containers: duplicate entries for key \[name="a"\]/,
    ],
    [{ spec: containers({ image: "a" }) }, /omits key field "name"/],
  ];
  for (const [patch, want] of table) {
    const config = Array.isArray(patch) ? patch : { apiVersion: "apps/v1", kind: "Deployment", ...patch as Json };
    assert.throws(
      () => applyPatch({ ...base, config }),
      (e) => e instanceof StatusError && e.code === 400 && want.test(e.message),
      String(want),
    );
  }
});

Deno.test("trackUpdate() gives what changed to its author and takes it from others", () => {
  const world = new World().update("u", (o) => o.spec = { replicas: 1, paused: true });
  assert.deepEqual(world.owns("u", "Update"), { "f:paused": {}, "f:replicas": {} });
  world.update("v", (o) => spec(o).replicas = 2);
  assert.deepEqual(world.owns("u", "Update"), { "f:paused": {} });
  assert.deepEqual(world.owns("v", "Update"), { "f:replicas": {} });
  world.update("v", (o) => delete spec(o).paused);
  assert.equal(world.owns("u", "Update"), undefined);
  const before = clone(world.managed);
  world.update("w", () => {});
  assert.deepEqual(world.managed, before);
});

Deno.test("trackUpdate() of a status names the subresource and nothing of the spec", () => {
  const world = new World().update("u", (o) => o.spec = { replicas: 1 });
  world.update("controller", (o) => Object.assign(o, { status: { replicas: 1 }, spec: { replicas: 5 } }), "status");
  assert.deepEqual(world.managed.at(-1), {
    manager: "controller",
    operation: "Update",
    apiVersion: "apps/v1",
    time: "2026-01-01T00:00:01Z",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:status": { ".": {}, "f:replicas": {} } },
    subresource: "status",
  });
});

Deno.test("trackUpdate() lets a client reset the list, keeps it when the client's is broken, and tracks no object without one", () => {
  const world = new World().update("u", (o) => o.spec = { replicas: 1 });
  const managedOf = (o: Json) => o.metadata as Json;
  world.update("v", (o) => Object.assign(managedOf(o), { managedFields: [{ manager: "x" }] }));
  assert.equal(world.managed.length, 1);
  world.update("v", (o) => Object.assign(managedOf(o), { managedFields: [{}] }));
  assert.deepEqual(world.managed, []);
  world.update("v", (o) => spec(o).replicas = 2);
  assert.deepEqual(world.managed, []);
});

Deno.test("trackUpdate() puts the oldest of many updaters together", () => {
  const world = new World();
  for (let i = 0; i < 15; i++) {
    world.update(`u${String(i).padStart(2, "0")}`, (o) => {
      const annotations = ((o.metadata as Json).annotations ??= {}) as Json;
      annotations[`a${i}`] = "x";
    });
  }
  assert.equal(world.managed.length, 10);
  const names = world.managed.map((m) => m.manager);
  assert.ok(names.includes("ancient-changes") && names.includes("u14") && !names.includes("u05"));
});

Deno.test("applying anything twice is applying it once, and a force apply leaves what it says", () => {
  const arbitrary = arbitraryObject(definition, 6).map((o) => ({ spec: o.spec as Json ?? {} }));
  fc.assert(
    fc.property(arbitrary, arbitrary, (first, second) => {
      const world = new World();
      try {
        world.apply("a", first.spec);
      } catch (error) {
        // Random lists have elements without keys, or twice.
        assert.ok(error instanceof StatusError && error.code === 400, String(error));
        return;
      }
      const once = clone(world.object);
      assert.ok(deepEqual(world.apply("a", first.spec).object, once));
      try {
        world.apply("b", second.spec, { force: true });
      } catch (error) {
        assert.ok(error instanceof StatusError && error.code === 400, String(error));
        return;
      }
      const forced = clone(world.object);
      assert.ok(deepEqual(world.apply("b", second.spec).object, forced));
      // Once nobody applies anything, nothing is left.
      world.apply("a", {}).apply("b", {});
      assert.deepEqual(world.spec ?? {}, {});
    }),
    { numRuns: 200 },
  );
});

Deno.test("trackUpdate() and applyPatch() accept whole objects", () => {
  const managedFields = trackUpdate({
    before: undefined,
    after: deployment(),
    definition,
    apiVersion: "apps/v1",
    manager: "u",
    now: start,
  });
  assert.equal(managedFields.length, 1);
  const live = { ...deployment(), metadata: { ...deployment().metadata as Json, managedFields } };
  const applied = applyPatch({
    live,
    config: deployment(),
    definition,
    apiVersion: "apps/v1",
    kind: "Deployment",
    manager: "a",
    force: false,
    now: start,
  });
  assert.deepEqual(applied.object, deployment());
  assert.equal(applied.managedFields.length, 2);
  const podType = definitionOf({ group: "", version: "v1", kind: "Pod" });
  const started = performance.now();
  for (let i = 0; i < 100; i++) {
    trackUpdate({ before: undefined, after: pod(), definition: podType, apiVersion: "v1", manager: "u", now: start });
  }
  assert.ok(performance.now() - started < 1000);
});
