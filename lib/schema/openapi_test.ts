import assert from "assert";
import { openapiDocument, openapiIndex, openapiText, type ServedGroup } from "./openapi.ts";
import { definition, definitionIds, gvkOf } from "./schema.ts";

const all = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/** Every built-in kind that has a list, in its group version. */
function served(): ServedGroup[] {
  const groups = new Map<string, ServedGroup & { resources: ServedGroup["resources"][number][] }>();
  const ids = new Set(definitionIds());
  for (const id of ids) {
    const kind = gvkOf(definition(id));
    if (kind === undefined || !ids.has(`${id}List`) || kind.group === "meta.k8s.io") continue;
    const key = `${kind.group}/${kind.version}`;
    const group = groups.get(key) ?? { group: kind.group, version: kind.version, resources: [] };
    groups.set(key, group);
    group.resources.push({
      ...kind,
      plural: `${kind.kind.toLowerCase()}s`,
      namespaced: definition(id).namespaced === true,
      verbs: all,
      subresources: kind.kind === "Deployment"
        ? [{ name: "status", kind, verbs: ["get", "update", "patch"] }, {
          name: "scale",
          kind: { group: "autoscaling", version: "v1", kind: "Scale" },
          verbs: ["get", "update", "patch"],
        }]
        : [],
    });
  }
  return [...groups.values()];
}

const widgets: ServedGroup = {
  group: "example.com",
  version: "v1",
  resources: [{
    group: "example.com",
    version: "v1",
    kind: "Widget",
    plural: "widgets",
    namespaced: true,
    verbs: all,
    schema: {
      type: "object",
      required: ["spec"],
      properties: { spec: { type: "object", properties: { size: { type: "integer" } } } },
    },
  }],
};

type Doc = {
  paths: Record<string, Record<string, unknown>>;
  components: { schemas: Record<string, Record<string, unknown>> };
};

Deno.test("openapiDocument() is closed under $ref, for every group version", () => {
  for (const group of [...served(), widgets]) {
    const document = openapiDocument(group) as unknown as Doc;
    const schemas = new Set(Object.keys(document.components.schemas));
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(schemas.has(name!), `${group.group}/${group.version}: ${name}`);
    }
  }
});

Deno.test("openapiDocument() has what kubectl looks for", () => {
  const apps = served().find((group) => group.group === "apps")!;
  const { paths, components } = openapiDocument(apps) as unknown as Doc;
  const item = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]!;
  const patch = item.patch as
    & { parameters: { name: string }[]; requestBody: { content: object } }
    & Record<string, unknown>;
  assert.deepEqual(patch.parameters.map((p) => p.name), ["dryRun", "fieldManager", "fieldValidation", "force"]);
  assert.deepEqual(patch["x-kubernetes-group-version-kind"], { group: "apps", version: "v1", kind: "Deployment" });
  assert.equal(patch["x-kubernetes-action"], "patch");
  assert.ok("application/apply-patch+yaml" in patch.requestBody.content);
  assert.ok("application/strategic-merge-patch+json" in patch.requestBody.content);
  assert.ok(paths["/apis/apps/v1/deployments"]!.get);
  assert.ok(paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]!.patch);
  const spec = components.schemas["io.k8s.api.core.v1.PodSpec"] as {
    properties: Record<string, unknown>;
    required: string[];
  };
  assert.deepEqual(spec.required, ["containers"]);
  assert.deepEqual(spec.properties.volumes, {
    type: "array",
    items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Volume" },
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge,retainKeys",
  });
  assert.deepEqual(components.schemas["io.k8s.api.apps.v1.Deployment"]!["x-kubernetes-group-version-kind"], [
    { group: "apps", version: "v1", kind: "Deployment" },
  ]);
});

Deno.test("openapiDocument() shows a custom resource's own schema", () => {
  const { paths, components } = openapiDocument(widgets) as unknown as Doc;
  const widget = components.schemas["com.example.v1.Widget"] as { properties: Record<string, unknown> };
  assert.deepEqual(Object.keys(widget.properties), ["spec", "apiVersion", "kind", "metadata"]);
  const patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]!.patch as {
    requestBody: { content: object };
  };
  assert.ok(!("application/strategic-merge-patch+json" in patch.requestBody.content));
});

Deno.test("openapiIndex() names each document with a hash that changes with it", () => {
  const [before] = Object.values(openapiIndex([widgets]).paths);
  const changed = { ...widgets, resources: [{ ...widgets.resources[0]!, schema: { type: "object" } }] };
  const [after] = Object.values(openapiIndex([changed]).paths);
  assert.match(before!.serverRelativeURL, /^\/openapi\/v3\/apis\/example\.com\/v1\?hash=[0-9A-F]{64}$/);
  assert.notEqual(before!.serverRelativeURL, after!.serverRelativeURL);
  const core = served().find((group) => group.group === "")!;
  assert.deepEqual(Object.keys(openapiIndex([core]).paths), ["api/v1"]);
  assert.deepEqual(JSON.parse(openapiText(core).text), openapiDocument(core));
});
