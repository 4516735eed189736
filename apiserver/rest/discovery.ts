/** Discovery: which groups, versions and resources there are, in the three forms that clients ask for. Pure. */
import { createHash } from "node:crypto";
import type { Posted, Resource, Subresource } from "./resource.ts";
import type { Group, ResourceSet, VersionResources } from "./resource_set.ts";

interface Listed {
  name: string;
  singularName: string;
  namespaced: boolean;
  group?: string;
  version?: string;
  kind: string;
  verbs: string[];
  shortNames?: string[];
  categories?: string[];
  storageVersionHash?: string;
}

const groupVersion = (group: string, version: string) => group === "" ? version : `${group}/${version}`;

/** `/api`: the versions of the core group. `host`: as the client knows the server. */
export function apiVersions(set: ResourceSet, host: string): object {
  const versions = set.group("")?.versions.map((v) => v.version) ?? [];
  const serverAddressByClientCIDRs = [{ clientCIDR: "0.0.0.0/0", serverAddress: host }];
  return { kind: "APIVersions", versions, serverAddressByClientCIDRs };
}

/** `/apis`: all other groups. */
export function apiGroupList(set: ResourceSet): object {
  const groups = set.groups.filter((group) => group.name !== "").map(describeGroup);
  return { kind: "APIGroupList", apiVersion: "v1", groups };
}

/** `/apis/{group}` */
export function apiGroup(group: Group): object {
  return { kind: "APIGroup", apiVersion: "v1", ...describeGroup(group) };
}

function describeGroup({ name, versions }: Group): object {
  const all = versions.map(({ version }) => ({ groupVersion: groupVersion(name, version), version }));
  return { name, versions: all, preferredVersion: all[0] };
}

/** `/api/v1`, `/apis/{group}/{version}` */
export function apiResourceList(group: string, version: VersionResources): object {
  const resources = [...version.resources.flatMap(listed), ...version.reviews.map(listedReview)]
    .sort((a, b) => a.name < b.name ? -1 : 1);
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion: groupVersion(group, version.version),
    resources,
  };
}

function listed(resource: Resource): Listed[] {
  const own: Listed = {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: [...resource.verbs].sort(),
    shortNames: some(resource.shortNames),
    categories: some(resource.categories),
    // What nobody can write is stored nowhere.
    storageVersionHash: resource.verbs.includes("create") ? storageVersionHash(resource) : undefined,
  };
  return [
    own,
    ...subresourcesOf(resource).map(({ name, kind, verbs }): Listed => ({
      name: `${resource.plural}/${name}`,
      singularName: "",
      namespaced: resource.namespaced,
      ...(kind.group === resource.group && kind.version === resource.version ? {} : kind),
      kind: kind.kind,
      verbs,
    })),
  ];
}

function listedReview(review: Posted): Listed {
  const of = review.subresourceOf;
  const { group, version, kind } = review;
  return {
    name: of === undefined ? review.plural : `${of.plural}/${review.plural}`,
    singularName: of === undefined ? kind.toLowerCase() : "",
    namespaced: review.namespaced,
    ...(of === undefined || (group === of.group && version === of.version) ? {} : { group, version }),
    kind,
    verbs: ["create"],
  };
}

const some = (list: readonly string[]) => list.length === 0 ? undefined : [...list];

interface Described {
  name: string;
  kind: { group: string; version: string; kind: string };
  verbs: string[];
}

/** All subresources, `status` and `scale` included, by name. */
export function subresourcesOf(resource: Resource): Described[] {
  const { group, version, kind } = resource;
  const described: Described[] = Object.entries(resource.subresources).map(([name, sub]) => ({
    name,
    kind: plainKind(sub),
    verbs: [...sub.verbs].sort(),
  }));
  const verbs = ["get", "patch", "update"];
  if (resource.status) described.push({ name: "status", kind: { group, version, kind }, verbs });
  if (resource.scale !== undefined) {
    described.push({ name: "scale", kind: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs });
  }
  return described.sort((a, b) => a.name < b.name ? -1 : 1);
}

// deno-lint-ignore no-explicit-any -- whatever the parent's type is
function plainKind({ kind }: Subresource<any>): Described["kind"] {
  return { group: kind.group, version: kind.version, kind: kind.kind };
}

/** Changes when the form in which a kind is stored does (k8s.io/apiserver/pkg/endpoints/discovery). */
function storageVersionHash({ group, version, kind }: Resource): string {
  const digest = createHash("sha256").update(`${group}/${version}/${kind}`).digest();
  return digest.subarray(0, 8).toString("base64");
}

/** Everything of `/api` or of `/apis` in one document (apidiscovery.k8s.io/v2). */
export function aggregatedDiscovery(set: ResourceSet, of: "api" | "apis"): object {
  const items = set.groups.filter((group) => (group.name === "") === (of === "api")).map((group) => ({
    metadata: group.name === "" ? {} : { name: group.name },
    versions: group.versions.map((version) => ({
      version: version.version,
      resources: [...version.resources]
        .sort((a, b) => a.plural < b.plural ? -1 : 1)
        .map((resource) => aggregated(resource, version.reviews))
        .concat(version.reviews.filter((r) => r.subresourceOf === undefined).map(aggregatedReview)),
      freshness: "Current",
    })),
  }));
  return { kind: "APIGroupDiscoveryList", apiVersion: "apidiscovery.k8s.io/v2", metadata: {}, items };
}

function aggregated(resource: Resource, reviews: readonly Posted[]): object {
  const { group, version, kind } = resource;
  const subresources = [
    ...subresourcesOf(resource),
    ...reviews.filter((review) => review.subresourceOf?.plural === resource.plural)
      .map((review) => ({ name: review.plural, kind: plainReview(review), verbs: ["create"] })),
  ].map(({ name, kind, verbs }) => ({ subresource: name, responseKind: kind, verbs }));
  return {
    resource: resource.plural,
    responseKind: { group, version, kind },
    scope: resource.namespaced ? "Namespaced" : "Cluster",
    singularResource: resource.singular,
    verbs: [...resource.verbs].sort(),
    shortNames: some(resource.shortNames),
    categories: some(resource.categories),
    subresources: subresources.length === 0 ? undefined : subresources,
  };
}

const plainReview = ({ group, version, kind }: Posted) => ({ group, version, kind });

function aggregatedReview(review: Posted): object {
  return {
    resource: review.plural,
    responseKind: plainReview(review),
    scope: review.namespaced ? "Namespaced" : "Cluster",
    singularResource: review.kind.toLowerCase(),
    verbs: ["create"],
  };
}
