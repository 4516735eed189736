/** What is told of a resource: by discovery in both forms, by OpenAPI, by access reviews; and that it is so. */
import assert from "assert";
import { subresourcesOf } from "../../../apiserver/rest/discovery.ts";
import { someone } from "../../harness/secured.ts";
import { type Json, namespace, types, type Walker } from "./walker.ts";

const aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

export async function isDiscovered(w: Walker): Promise<void> {
  const { group, version, plural, namespaced, singular, kind } = w.resource;
  const place = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const { body } = await w.does(200, "GET", place);
  const own = body.resources.find(({ name }: Json) => name === plural);
  const verbs = [...w.resource.verbs].sort();
  assert.deepEqual([own.kind, own.namespaced, own.singularName, own.verbs], [kind, namespaced, singular, verbs]);
  const parts = body.resources.filter(({ name }: { name: string }) => name.startsWith(`${plural}/`));
  const stored = parts.filter(({ name }: { name: string }) => !reviewed.has(name));
  assert.deepEqual(
    stored.map(({ name, verbs }: Json) => [name, verbs]),
    subresourcesOf(w.resource).map(({ name, verbs }) => [`${plural}/${name}`, verbs]),
  );

  const { body: all } = await w.does(200, "GET", group === "" ? "/api" : "/apis", undefined, { accept: aggregated });
  const of = all.items.find(({ metadata }: { metadata: Json }) => (metadata.name ?? "") === group);
  const { resources } = of.versions.find((one: Json) => one.version === version);
  const found = resources.find(({ resource }: Json) => resource === plural);
  assert.deepEqual(found.verbs, verbs);
  assert.deepEqual(found.responseKind, { group, version, kind });
  assert.equal(found.scope, namespaced ? "Namespaced" : "Cluster");
  assert.deepEqual(found.shortNames, own.shortNames);
  assert.deepEqual(found.categories, own.categories);
  const told = (found.subresources ?? []).map(({ subresource, verbs }: Json) => [`${plural}/${subresource}`, verbs]);
  assert.deepEqual(told.sort(), parts.map(({ name, verbs }: Json) => [name, verbs]).sort());
}

/** Answered and not stored: they are no part of the resource's declaration. */
const reviewed = new Set(["serviceaccounts/token"]);

const methods: Readonly<Record<string, [method: string, on: "collection" | "object"]>> = {
  list: ["get", "collection"],
  create: ["post", "collection"],
  deletecollection: ["delete", "collection"],
  get: ["get", "object"],
  update: ["put", "object"],
  patch: ["patch", "object"],
  delete: ["delete", "object"],
};

export async function isDescribed(w: Walker): Promise<void> {
  const { group, version, kind, verbs } = w.resource;
  const document = group === "" ? `api/${version}` : `apis/${group}/${version}`;
  const { body } = await w.does(200, "GET", `/openapi/v3/${document}`);
  const template = (name?: string) => w.path(name).replace(`/namespaces/${namespace}/`, "/namespaces/{namespace}/");
  for (const verb of verbs) {
    if (verb === "watch") continue;
    const [method, on] = methods[verb]!;
    const path = template(on === "object" ? "{name}" : undefined);
    const operation = body.paths[path]?.[method];
    assert.ok(operation, `${method} ${path} is described`);
    assert.deepEqual(operation["x-kubernetes-group-version-kind"], { group, version, kind });
  }
  const patch = body.paths[template("{name}")]?.patch;
  if (patch !== undefined) {
    assert.ok(patch.parameters.some(({ name }: Json) => name === "fieldValidation"), "kubectl looks for it");
    const accepted = Object.keys(patch.requestBody.content);
    for (const type of [types.jsonPatch, types.merge, types.strategic, types.apply]) {
      assert.ok(accepted.includes(type), type);
    }
  }
}

const access: Readonly<Record<string, (w: Walker, name: string) => [method: string, path: string, body?: unknown]>> = {
  get: (w, name) => ["GET", w.path(name)],
  list: (w) => ["GET", w.path()],
  watch: (w) => ["GET", `${w.path()}?watch=true&timeoutSeconds=1`],
  create: (w) => ["POST", `${w.path()}?dryRun=All`, w.object(w.name())],
  update: (w, name) => ["PUT", `${w.path(name)}?dryRun=All`, w.object(name)],
  patch: (w, name) => ["PATCH", `${w.path(name)}?dryRun=All`, {}],
  delete: (w, name) => ["DELETE", `${w.path(name)}?dryRun=All`],
  deletecollection: (w) => ["DELETE", `${w.path()}?dryRun=All&labelSelector=walk=none`],
};

/** What an access review says may be done, may be done; the rest is refused in Kubernetes' words. */
export async function isGuarded(w: Walker): Promise<void> {
  const { group, plural, namespaced } = w.resource;
  const user = someone("ann");
  const where = namespaced ? { namespace } : {};
  const may = async (verb: string, as = user): Promise<boolean> => {
    const spec = { resourceAttributes: { verb, group, resource: plural, ...where } };
    const path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    return (await w.does(201, "POST", path, { spec }, { user: as })).body.status.allowed;
  };
  const name = "none";
  for (const verb of w.resource.verbs) {
    const [method, path, body] = access[verb]!(w, name);
    assert.equal(await may(verb), false, verb);
    assert.equal(await may(verb, w.user), true, verb);
    const object = ["create", "list", "watch", "deletecollection"].includes(verb)
      ? w.qualified
      : `${w.qualified} "${name}"`;
    // A Namespace is in itself.
    const within = namespaced ? namespace : plural === "namespaces" && object !== w.qualified ? name : undefined;
    const scope = within === undefined ? "at the cluster scope" : `in the namespace "${within}"`;
    const message =
      `${object} is forbidden: User "ann" cannot ${verb} resource "${plural}" in API group "${group}" ${scope}`;
    await w.unchanged(() =>
      w.refuses([403, "Forbidden", message], method, path, body, {
        user,
        type: method === "PATCH" ? types.merge : undefined,
      })
    );
  }
}
