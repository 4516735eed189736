/** Which kinds are served, of those that there are: what `--runtime-config` leaves. Pure. */
import { FlagError } from "../lib/flags.ts";
import { groupVersionOf, isOn, isStage, type Place, type RuntimeConfig } from "../lib/runtime_config.ts";
import type { Posted, Resource, StandIn } from "./rest/resource.ts";
import type { Computed, Review } from "./rest/rest.ts";

export interface Kinds {
  resources: readonly Resource[];
  reviews: readonly (Review | StandIn)[];
  computed: readonly Computed[];
}

/** What the components of the cluster cannot do without: these stay, unless they are named, which is refused. */
const needed = new Set([
  "v1",
  "certificates.k8s.io/v1",
  "rbac.authorization.k8s.io/v1",
  "scheduling.k8s.io/v1",
  "coordination.k8s.io/v1",
  "discovery.k8s.io/v1",
  "flowcontrol.apiserver.k8s.io/v1",
]);

/** A subresource is where its parent is. */
const placeOf = (posted: Posted): Place => posted.subresourceOf ?? posted;

/** Throws FlagError for what there is not, and for what must stay. */
export function servedOf({ resources, reviews, computed }: Kinds, config: RuntimeConfig): Kinds {
  const all: readonly Place[] = [...resources, ...reviews.map(placeOf), ...computed.map(({ resource }) => resource)];
  for (const [key, on] of config) if (!isStage(key)) check(key, on, all);
  const stays = (place: Place) => needed.has(groupVersionOf(place)) || isOn(place, config);
  return {
    resources: resources.filter(stays),
    reviews: reviews.filter((posted) => stays(placeOf(posted))),
    computed: computed.filter(({ resource }) => stays(resource)),
  };
}

function check(key: string, on: boolean, all: readonly Place[]): void {
  const parts = key.split("/");
  const [group, version, plural] = /^v[0-9]/.test(key) ? ["", ...parts] : parts;
  const refuse = (why: string) => {
    throw new FlagError(`--runtime-config: ${why}`);
  };
  const inGroup = all.filter((place) => place.group === group);
  if (inGroup.length === 0) refuse(`unknown api groups ${group}`);
  const inVersion = inGroup.filter((place) => place.version === version);
  const groupVersion = groupVersionOf({ group: group!, version: version! });
  if (inVersion.length === 0) refuse(`group version ${groupVersion} that has not been registered`);
  if (plural !== undefined && !inVersion.some((place) => place.plural === plural)) {
    refuse(`there is no resource ${plural} in ${groupVersion}`);
  }
  if (!on && needed.has(groupVersion)) {
    refuse(`${key}=false: the cluster's own components need ${groupVersion}`);
  }
}
