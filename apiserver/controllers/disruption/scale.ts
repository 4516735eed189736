/** How many pods a controller wants (the finders of disruption.go). Pure, but for what it looks up. */
import { apiVersionOf, type Kind, type KubeObject } from "../../../lib/kind.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import type { Informers } from "../informers.ts";
import { controllerOf, groupOf } from "../owner.ts";
import type { Scale } from "./plan.ts";

type Scaled = Pick<Informers, "deployments" | "replicaSets" | "replicationControllers" | "statefulSets">;

interface Found extends KubeObject {
  spec: { replicas?: number };
}

/** Kinds that make pods and have no number of them. */
const unscaled: readonly Kind[] = [kinds.DaemonSet as Kind, kinds.Job as Kind];

const isOf = (owner: OwnerReference, { group, kind }: Pick<Kind, "group" | "kind">) =>
  owner.kind === kind && groupOf(owner.apiVersion) === group;

export function scaleOf(informers: Scaled, owner: OwnerReference, { metadata: { namespace, name } }: Pod): Scale {
  const get = (informer: { get(key: string): Found | undefined }, reference: OwnerReference) => {
    const found = informer.get(`${namespace}/${reference.name}`);
    return found?.metadata.uid === reference.uid ? found : undefined;
  };
  const missing = `found no controllers for pod ${JSON.stringify(name)}`;
  const answer = (found: Found | undefined): Scale =>
    found === undefined ? missing : { uid: found.metadata.uid, replicas: found.spec.replicas ?? 1 };
  if (isOf(owner, kinds.ReplicationController)) return answer(get(informers.replicationControllers, owner));
  if (isOf(owner, kinds.StatefulSet)) return answer(get(informers.statefulSets, owner));
  if (isOf(owner, kinds.ReplicaSet)) {
    const set = get(informers.replicaSets, owner);
    const above = set === undefined ? undefined : controllerOf(set);
    return above !== undefined && isOf(above, kinds.Deployment)
      ? answer(get(informers.deployments, above))
      : answer(set);
  }
  const known = unscaled.find((kind) => isOf(owner, kind) && apiVersionOf(kind) === owner.apiVersion);
  return known === undefined ? missing : `${known.plural}.${known.group} does not implement the scale subresource`;
}
