/** Writes to the letter, where one request leads to the next: migration to server-side apply, resets, generated names, collections, namespaces. */
import assert from "assert";
import { resources } from "../../apiserver/registry/mod.ts";
import { createSecured, someone } from "../harness/secured.ts";
import { managersOf, types, Walker } from "./walk/walker.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";

async function withApi(run: (w: Walker) => Promise<void>): Promise<void> {
  const api = await createSecured();
  try {
    const kind = resources.find(({ kind }) => kind === "ConfigMap")!;
    await run(new Walker(api, kind, someone("admin", "system:masters")));
  } finally {
    await api.close();
  }
}

const config = (data: Record<string, string>, name = "a") => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "default" },
  data,
});

/** As `kubectl apply` without --server-side makes it. */
function clientSide(data: Record<string, string>) {
  const object = config(data);
  const annotations = { [lastApplied]: JSON.stringify(object) + "\n" };
  return { ...object, metadata: { ...object.metadata, annotations } };
}

const apply = (w: Walker, object: unknown, query: string) =>
  w.send("PATCH", `${maps}/a?${query}`, object, { type: types.apply });

Deno.test("kubectl apply --server-side takes over what kubectl apply has made", () =>
  withApi(async (w) => {
    const made = clientSide({ a: "1", b: "1" });
    await w.does(201, "POST", `${maps}?fieldManager=kubectl-client-side-apply`, made);
    const other = await apply(w, config({ a: "2" }), "fieldManager=other");
    assert.deepEqual([other.code, other.body.message], [
      409,
      'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: .data.a',
    ]);
    const { code, body } = await apply(w, config({ a: "2" }), "fieldManager=kubectl");
    assert.equal(code, 200, JSON.stringify(body));
    assert.equal(body.data.a, "2");
    assert.deepEqual(JSON.parse(body.metadata.annotations[lastApplied]).data, { a: "2" }, "so that one may go back");

    // What kubectl 1.26 and later do first: the old owner's fields become the new one's, if nobody writes meanwhile.
    const { metadata } = (await w.does(200, "GET", `${maps}/a`)).body;
    // deno-lint-ignore no-explicit-any -- as the server answers
    const entries = metadata.managedFields.map((entry: any) => ({ ...entry, operation: "Apply", manager: "kubectl" }));
    const migration = [
      { op: "replace", path: "/metadata/managedFields", value: entries.slice(0, 1) },
      { op: "replace", path: "/metadata/resourceVersion", value: metadata.resourceVersion },
    ];
    const migrated = await w.does(200, "PATCH", `${maps}/a`, migration, { type: types.jsonPatch });
    assert.deepEqual(managersOf(migrated.body), ["kubectl Apply"]);
    await w.refuses([409, "Conflict", /the object has been modified/], ...[
      "PATCH",
      `${maps}/a`,
      migration,
      { type: types.jsonPatch },
    ]);
  }));

Deno.test("managedFields are reset by one empty entry, kept where they are malformed, and begin anew with an apply", () =>
  withApi(async (w) => {
    const { body: made } = await w.does(201, "POST", `${maps}?fieldManager=ann`, config({ a: "1" }));
    const malformed = {
      ...made,
      metadata: { ...made.metadata, managedFields: [{ manager: "x", operation: "Guess" }] },
    };
    const kept = await w.unchanged(() => w.does(200, "PUT", `${maps}/a`, malformed));
    assert.deepEqual(kept.body.metadata.managedFields, made.metadata.managedFields);
    const reset = { metadata: { managedFields: [{}] } };
    const cleared = await w.does(200, "PATCH", `${maps}/a`, reset, { type: types.merge });
    assert.equal(cleared.body.metadata.managedFields, undefined);
    const { body } = await w.does(200, "PATCH", `${maps}/a`, { data: { b: "1" } }, { type: types.merge });
    assert.equal(body.metadata.managedFields, undefined, "nobody is recorded before the first apply");
    const applied = await apply(w, config({ a: "1" }), "fieldManager=ann");
    assert.deepEqual(managersOf(applied.body), ["ann Apply", "before-first-apply Update"]);
    const empty = { ...config({}), metadata: { name: "a", managedFields: [{ manager: "x" }] } };
    const refused = await apply(w, empty, "fieldManager=ann");
    assert.deepEqual([refused.code, refused.body.message], [400, "metadata.managedFields must be nil"]);
  }));

Deno.test("a collection is deleted page by page, when pages are asked for", () =>
  withApi(async (w) => {
    for (const name of ["a", "b", "c"]) {
      await w.does(201, "POST", maps, { metadata: { name, labels: { of: "many" } } });
    }
    const path = `${maps}?labelSelector=of=many`;
    const names = (body: { items: { metadata: { name: string } }[] }) =>
      body.items.map(({ metadata }) => metadata.name);
    const first = (await w.does(200, "DELETE", `${path}&limit=2`)).body;
    assert.deepEqual(names(first), ["a", "b"]);
    const { body: left } = await w.does(200, "GET", path);
    assert.deepEqual(names(left), ["c"]);
    const rest = await w.does(200, "DELETE", `${path}&continue=${encodeURIComponent(first.metadata.continue)}`);
    assert.deepEqual(names(rest.body), ["c"]);
    assert.deepEqual(names((await w.does(200, "GET", path)).body), []);
  }));

Deno.test("a namespace that is being deleted takes nothing new, and goes when it is finalized", () =>
  withApi(async (w) => {
    await w.does(201, "POST", "/api/v1/namespaces", { metadata: { name: "x" } });
    const inside = "/api/v1/namespaces/x/configmaps";
    await w.does(201, "POST", inside, { metadata: { name: "a" } });
    const { body } = await w.does(200, "DELETE", "/api/v1/namespaces/x");
    assert.equal(body.status.phase, "Terminating");
    assert.ok(body.metadata.deletionTimestamp);
    assert.deepEqual(body.spec.finalizers, ["kubernetes"]);
    const message =
      'configmaps "b" is forbidden: unable to create new content in namespace x because it is being terminated';
    const refused = await w.refuses([403, "Forbidden", message], "POST", inside, { metadata: { name: "b" } });
    assert.deepEqual(refused.body.details, {
      name: "b",
      kind: "configmaps",
      causes: [{
        reason: "NamespaceTerminating",
        message: "namespace x is being terminated",
        field: "metadata.namespace",
      }],
    });
    await w.does(200, "PATCH", `${inside}/a`, { data: { a: "1" } }, { type: types.merge });
    await w.does(200, "DELETE", `${inside}/a`);
    await w.unchanged(() => w.does(200, "DELETE", "/api/v1/namespaces/x"));
    await w.does(200, "PUT", "/api/v1/namespaces/x/finalize", { ...body, spec: { finalizers: [] } });
    await w.does(404, "GET", "/api/v1/namespaces/x");
    for (const name of ["default", "kube-system", "kube-public"]) {
      await w.refuses([403, "Forbidden", /this namespace may not be deleted/], "DELETE", `/api/v1/namespaces/${name}`);
    }
  }));

Deno.test("a subresource that writes a part of its object is applied, and owns that part only", () =>
  withApi(async (w) => {
    const pods = "/api/v1/namespaces/default/pods";
    await w.does(201, "POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    const { body: pod } = await w.does(201, "POST", pods, {
      metadata: { name: "p" },
      spec: { containers: [{ name: "a", image: "a:1" }] },
    });
    const path = `${pods}/p/ephemeralcontainers?fieldManager=doctor`;
    const debug = (image: string, ...more: object[]) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "p", labels: { not: "written" } },
      spec: { ephemeralContainers: [{ name: "debug", image }, ...more] },
    });
    const type = types.apply;
    await w.unchanged(() => w.does(200, "PATCH", `${path}&dryRun=All`, debug("busybox:1"), { type }));
    const { body } = await w.does(200, "PATCH", path, debug("busybox:1"), { type });
    assert.equal(body.spec.ephemeralContainers[0].image, "busybox:1");
    assert.equal(body.metadata.labels, undefined);
    assert.equal(body.metadata.generation, pod.metadata.generation + 1);
    // deno-lint-ignore no-explicit-any -- as the server answers
    const mine = body.metadata.managedFields.find(({ manager }: any) => manager === "doctor");
    assert.deepEqual([mine.operation, mine.subresource], ["Apply", "ephemeralcontainers"]);
    assert.deepEqual(Object.keys(mine.fieldsV1), ["f:spec"]);
    assert.deepEqual(Object.keys(mine.fieldsV1["f:spec"]), ["f:ephemeralContainers"]);
    const more = await w.does(200, "PATCH", path, debug("busybox:1", { name: "second", image: "b:1" }), { type });
    assert.equal(more.body.spec.ephemeralContainers.length, 2);
    const changed = /existing ephemeral containers "debug" may not be changed/;
    await w.refuses([422, "Invalid", changed], "PATCH", path, debug("busybox:2", { name: "second", image: "b:1" }), {
      type,
    });
    await w.refuses([404, "NotFound", 'pods "q" not found'], ...[
      "PATCH",
      `${pods}/q/ephemeralcontainers?fieldManager=doctor`,
      { ...debug("b:1"), metadata: { name: "q" } },
      { type },
    ]);
  }));

Deno.test("a zero that Go leaves out is no change when a client of Kubernetes' types leaves it out", () =>
  withApi(async (w) => {
    const path = "/apis/apps/v1/namespaces/default/deployments";
    const labels = { app: "a" };
    const deployment = (pod: object, container: object) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "a" },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { ...pod, containers: [{ name: "a", image: "a:1", ...container }] } },
      },
    });
    const { body: made } = await w.does(
      201,
      "POST",
      path,
      deployment({ hostNetwork: false }, { tty: false, workingDir: "" }),
    );
    assert.equal(made.spec.template.spec.hostNetwork, undefined);
    const { body } = await w.unchanged(() => w.does(200, "PUT", `${path}/a`, made));
    assert.equal(body.metadata.generation, 1);
    await w.does(200, "PUT", `${path}/a`, deployment({}, {}));
    assert.equal((await w.does(200, "GET", `${path}/a`)).body.metadata.generation, 1, "no new pods for nothing");

    // Who applies a zero means it.
    const send = (manager: string, pod: object, force = false) =>
      w.send("PATCH", `${path}/a?fieldManager=${manager}&force=${force}`, deployment(pod, {}), { type: types.apply });
    const host = { hostNetwork: true };
    assert.equal((await send("ann", host)).body.spec.template.spec.hostNetwork, true);
    const refused = await send("bob", { hostNetwork: false });
    assert.match(refused.body.message, /conflict with "ann": \.spec\.template\.spec\.hostNetwork$/);
    const forced = await send("bob", { hostNetwork: false }, true);
    assert.equal(forced.code, 200, JSON.stringify(forced.body));
    assert.equal(forced.body.spec.template.spec.hostNetwork, undefined);
    await w.unchanged(() => send("bob", { hostNetwork: false }));
  }));
