/** All resources that are served, found by their place in the API. Read-only; when kinds come and go, a new set is made. */
import type { Posted, Resource, StandIn } from "./resource.ts";
import type { Review } from "./rest.ts";

export interface VersionResources {
  readonly version: string;
  readonly resources: readonly Resource[];
  readonly reviews: readonly Posted[];
}

export interface Group {
  /** `""` for the core group. */
  readonly name: string;
  /** The preferred one first. */
  readonly versions: readonly VersionResources[];
}

const placeOf = (r: { group: string; version: string; plural: string }) => `${r.group}/${r.version}/${r.plural}`;

export class ResourceSet {
  readonly groups: readonly Group[];
  readonly #resources = new Map<string, Resource>();
  readonly #reviews = new Map<string, Review | StandIn>();

  constructor(readonly resources: readonly Resource[], readonly reviews: readonly (Review | StandIn)[] = []) {
    for (const resource of resources) this.#resources.set(placeOf(resource), resource);
    for (const review of reviews) {
      const of = review.subresourceOf;
      this.#reviews.set(of === undefined ? placeOf(review) : `${placeOf(of)}/${review.plural}`, review);
    }
    this.groups = grouped(resources, reviews);
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(`${group}/${version}/${plural}`);
  }

  /** `plural` is `serviceaccounts/token` for a review that is a subresource. */
  findReview(group: string, version: string, plural: string): Review | StandIn | undefined {
    return this.#reviews.get(`${group}/${version}/${plural}`);
  }

  /** The resource whose objects are stored under this name, in any of its versions. */
  stored(storage: string): Resource | undefined {
    return this.resources.find((resource) => resource.storage === storage);
  }

  group(name: string): Group | undefined {
    return this.groups.find((group) => group.name === name);
  }

  version(group: string, version: string): VersionResources | undefined {
    return this.group(group)?.versions.find((v) => v.version === version);
  }
}

/** Groups and versions in the order in which they are first named; the core group first, as it is the oldest. */
function grouped(resources: readonly Resource[], reviews: readonly Posted[]): Group[] {
  const groups = new Map<string, Map<string, { version: string; resources: Resource[]; reviews: Posted[] }>>();
  const versionOf = ({ group, version }: { group: string; version: string }) => {
    let versions = groups.get(group);
    if (versions === undefined) groups.set(group, versions = new Map());
    let found = versions.get(version);
    if (found === undefined) versions.set(version, found = { version, resources: [], reviews: [] });
    return found;
  };
  for (const resource of resources) versionOf(resource).resources.push(resource);
  for (const review of reviews) versionOf(review.subresourceOf ?? review).reviews.push(review);
  return [...groups]
    .map(([name, versions]) => ({ name, versions: [...versions.values()] }))
    .sort((a, b) => Number(b.name === "") - Number(a.name === ""));
}
