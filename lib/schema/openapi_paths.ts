/** Served resources → the `paths` of an OpenAPI v3 document: every operation with its parameters and bodies. Pure. */
import type { ServedResource, ServedSubresource } from "./openapi.ts";
import { componentName, listKindOf, refTo } from "./openapi_schemas.ts";
import { findDefinition, type GroupVersionKind } from "./schema.ts";

type Item = Record<string, unknown>;

const query = (name: string, type: "string" | "integer" | "boolean", description: string): Item => ({
  name,
  in: "query",
  description,
  schema: { type, uniqueItems: true },
});
const path = (name: string, description: string): Item => ({
  name,
  in: "path",
  description,
  required: true,
  schema: { type: "string", uniqueItems: true },
});

const pretty = query("pretty", "string", "If 'true', then the output is pretty printed.");
const dryRun = query(
  "dryRun",
  "string",
  "When present, indicates that modifications should not be persisted. Valid values are: All",
);
const writing = [
  dryRun,
  query("fieldManager", "string", "The name of the actor that makes these changes."),
  query("fieldValidation", "string", "What to do with unknown or duplicate fields: Ignore, Warn or Strict."),
];
const force = query("force", "boolean", "Take fields over from other managers. Only for apply patches.");
const listing = [
  query("allowWatchBookmarks", "boolean", "Whether the watch may send BOOKMARK events."),
  query("continue", "string", "Where the next page begins, as the page before it said."),
  query("fieldSelector", "string", "Restricts the objects by their fields. Defaults to everything."),
  query("labelSelector", "string", "Restricts the objects by their labels. Defaults to everything."),
  query("limit", "integer", "How many objects a page has at most."),
  query("resourceVersion", "string", "The version that the answer has to be from."),
  query("resourceVersionMatch", "string", "How resourceVersion is meant: Exact or NotOlderThan."),
  query("sendInitialEvents", "boolean", "Whether the watch begins with the objects that there are."),
  query("timeoutSeconds", "integer", "How long the call may take, whatever it does."),
];
const watch = query("watch", "boolean", "Watch for changes instead of listing.");
const deleting = [
  dryRun,
  query("gracePeriodSeconds", "integer", "How long the object has to end. Zero: at once."),
  query("orphanDependents", "boolean", "Deprecated: use propagationPolicy."),
  query("propagationPolicy", "string", "What becomes of dependents: Orphan, Background or Foreground."),
];
const namePath = path("name", "name of the object");
const namespacePath = path("namespace", "object name and auth scope, such as for teams and projects");

const answerTypes = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];
const patchTypes = ["application/json-patch+json", "application/merge-patch+json", "application/apply-patch+yaml"];
const strategicType = "application/strategic-merge-patch+json";

const content = (types: readonly string[], schema: Item) => Object.fromEntries(types.map((type) => [type, { schema }]));
const answer = (types: readonly string[], schema: Item, ...codes: number[]) => ({
  ...Object.fromEntries(codes.map((code) => [
    String(code),
    { description: code === 201 ? "Created" : code === 202 ? "Accepted" : "OK", content: content(types, schema) },
  ])),
  "401": { description: "Unauthorized" },
});

interface Operation {
  readonly action: string;
  readonly id: string;
  readonly kind: GroupVersionKind;
  readonly parameters?: readonly Item[];
  readonly body?: { readonly types: readonly string[]; readonly schema: Item; readonly optional?: boolean };
  readonly responses: Item;
}

/** `RbacAuthorization`, `Core`: the group in operation ids. */
function groupName(group: string): string {
  if (group === "") return "Core";
  return group.replace(/\.k8s\.io$/, "").split(/[.-]/).map(capital).join("");
}

const capital = (word: string) => word.slice(0, 1).toUpperCase() + word.slice(1);

function operation(of: Operation, tag: string): Item {
  return {
    tags: [tag],
    description: `${of.action} ${of.kind.kind}`,
    operationId: of.id,
    ...(of.parameters === undefined ? {} : { parameters: of.parameters }),
    ...(of.body === undefined ? {} : {
      requestBody: {
        content: content(of.body.types, of.body.schema),
        ...(of.body.optional ? {} : { required: true }),
      },
    }),
    responses: of.responses,
    "x-kubernetes-action": of.action,
    "x-kubernetes-group-version-kind": { group: of.kind.group, version: of.kind.version, kind: of.kind.kind },
  };
}

/** Everything about how a resource's operations are named and typed. */
interface Names {
  readonly tag: string;
  /** `AppsV1NamespacedDeployment` */
  readonly scoped: string;
  readonly types: readonly string[];
  readonly patchTypes: readonly string[];
}

function namesOf(resource: ServedResource): Names {
  const builtIn = resource.schema === undefined && findDefinition(resource) !== undefined;
  const group = groupName(resource.group) + capital(resource.version);
  return {
    tag: group.replace(/V(\d)/, "_v$1").replace(/^./, (c) => c.toLowerCase()),
    scoped: `${group}${resource.namespaced ? "Namespaced" : ""}${resource.kind}`,
    types: builtIn ? answerTypes : answerTypes.slice(0, 2),
    patchTypes: builtIn ? [...patchTypes, strategicType] : patchTypes,
  };
}

/** All paths of a resource, by their URL template. */
export function operationsOf(resource: ServedResource): Record<string, Item> {
  const { group, version, plural, namespaced } = resource;
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`;
  const base = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const scope = namespaced ? [namespacePath, pretty] : [pretty];
  const names = namesOf(resource);
  const paths: Record<string, Item> = {};
  const put = (url: string, item: Item, parameters: readonly Item[]) => {
    if (Object.keys(item).length > 0) paths[url] = { ...item, parameters };
  };
  put(base, collectionItem(resource, names), scope);
  put(`${base}/{name}`, objectItem(resource, names), [namePath, ...scope]);
  for (const subresource of resource.subresources ?? []) {
    put(`${base}/{name}/${subresource.name}`, subresourceItem(resource, subresource, names), [namePath, ...scope]);
  }
  if (namespaced && resource.verbs.includes("list")) {
    const id = `list${names.scoped.replace("Namespaced", "")}ForAllNamespaces`;
    put(`${root}/${plural}`, { get: listOperation(resource, names, id) }, [pretty, ...listing, watch]);
  }
  return paths;
}

function listOperation(resource: ServedResource, names: Names, id: string): Item {
  const list = refTo(componentName({ ...resource, kind: listKindOf(resource) }));
  const types = [...names.types, "application/json;stream=watch"];
  return operation({ action: "list", id, kind: resource, responses: answer(types, list, 200) }, names.tag);
}

function collectionItem(resource: ServedResource, names: Names): Item {
  const { verbs } = resource;
  const item: Item = {};
  const schema = refTo(componentName(resource));
  if (verbs.includes("list")) {
    item.get = { ...listOperation(resource, names, `list${names.scoped}`), parameters: [...listing, watch] };
  }
  if (verbs.includes("create")) {
    item.post = operation({
      action: "post",
      id: `create${names.scoped}`,
      kind: resource,
      parameters: writing,
      body: { types: names.types, schema },
      responses: answer(names.types, schema, 200, 201, 202),
    }, names.tag);
  }
  if (verbs.includes("deletecollection")) {
    const status = refTo("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
    item.delete = operation({
      action: "deletecollection",
      id: `delete${names.scoped.replace("Namespaced", "CollectionNamespaced")}`,
      kind: resource,
      parameters: [...listing, ...deleting],
      body: deleteBody(names),
      responses: answer(names.types, status, 200),
    }, names.tag);
  }
  return item;
}

const deleteBody = (names: Names) => ({
  types: names.types,
  schema: refTo("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
  optional: true,
});

function objectItem(resource: ServedResource, names: Names): Item {
  const schema = refTo(componentName(resource));
  const item = writeItem(resource.verbs, { kind: resource, schema, names, suffix: "" });
  if (resource.verbs.includes("delete")) {
    const status = refTo("io.k8s.apimachinery.pkg.apis.meta.v1.Status");
    item.delete = operation({
      action: "delete",
      id: `delete${names.scoped}`,
      kind: resource,
      parameters: deleting,
      body: deleteBody(names),
      responses: answer(names.types, status, 200, 202),
    }, names.tag);
  }
  return item;
}

function subresourceItem(resource: ServedResource, { name, kind, verbs }: ServedSubresource, names: Names): Item {
  const schema = refTo(componentName(kind));
  const suffix = capital(name);
  const item = writeItem(verbs, { kind, schema, names, suffix });
  if (verbs.includes("create")) {
    item.post = operation({
      action: "post",
      id: `create${names.scoped}${suffix}`,
      kind,
      parameters: writing,
      body: { types: resource.schema === undefined ? answerTypes : names.types, schema },
      responses: answer(names.types, schema, 200, 201, 202),
    }, names.tag);
  }
  return item;
}

interface Written {
  readonly kind: GroupVersionKind;
  readonly schema: Item;
  readonly names: Names;
  readonly suffix: string;
}

/** get, put and patch: what an object and its subresources have in common. */
function writeItem(verbs: readonly string[], { kind, schema, names, suffix }: Written): Item {
  const item: Item = {};
  if (verbs.includes("get")) {
    item.get = operation(
      { action: "get", id: `read${names.scoped}${suffix}`, kind, responses: answer(names.types, schema, 200) },
      names.tag,
    );
  }
  if (verbs.includes("update")) {
    item.put = operation({
      action: "put",
      id: `replace${names.scoped}${suffix}`,
      kind,
      parameters: writing,
      body: { types: names.types, schema },
      responses: answer(names.types, schema, 200, 201),
    }, names.tag);
  }
  if (verbs.includes("patch")) {
    item.patch = operation({
      action: "patch",
      id: `patch${names.scoped}${suffix}`,
      kind,
      parameters: [...writing, force],
      body: { types: names.patchTypes, schema: refTo("io.k8s.apimachinery.pkg.apis.meta.v1.Patch") },
      responses: answer(names.types, schema, 200, 201),
    }, names.tag);
  }
  return item;
}
