/**
 * Volumes that are chosen with the Node (k8s.io/kubernetes/pkg/scheduler/framework/plugins/volumebinding): claims of a class with
 * WaitForFirstConsumer get a free volume that the Node reaches, or one that its provisioner makes there. Choosing is pure; binding is a
 * wish, which the binder of volumes fulfils.
 */
import type { Client } from "../../lib/client/client.ts";
import type { Informer } from "../../lib/informer/informer.ts";
import { keyOf } from "../../lib/kind.ts";
import { volumeBindingTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { compareQuantities } from "../../lib/quantity.ts";
import { compileTerm, type Matched, type NodeMatcher } from "../../lib/selector/node_selector.ts";
import type { PersistentVolume, PersistentVolumeClaim } from "../../lib/types/core_v1.ts";
import { PersistentVolume as VolumeKind, PersistentVolumeClaim as ClaimKind } from "../../lib/types/kinds.ts";
import type { StorageClass } from "../../lib/types/storage_v1.ts";
import {
  boundByControllerAnnotation,
  claimReference,
  classNameOf,
  completedAnnotation,
  matchingVolume,
  noProvisioner,
  selectedNodeAnnotation,
  waitsForConsumer,
} from "../../lib/volume_match.ts";
import type { Catalogue } from "./catalogue.ts";
import type { PodInfo } from "./pod_info.ts";

/** What a claim gets on a Node. */
export interface VolumeChoice {
  claim: PersistentVolumeClaim;
  /** Absent: one is to be made. */
  volume?: PersistentVolume;
}

/** Both sides have agreed. */
export const isBound = ({ metadata, spec }: PersistentVolumeClaim) =>
  !!spec.volumeName && metadata.annotations?.[completedAnnotation] !== undefined;

/** The claim waits for a pod's place; `undefined`: it is to be bound without. */
export function waitingClass(claim: PersistentVolumeClaim, catalogue: Catalogue): StorageClass | undefined {
  if (claim.spec.volumeName) return undefined;
  const found = catalogue.storageClass(classNameOf(claim));
  return waitsForConsumer(found) ? found : undefined;
}

const matchers = new WeakMap<object, NodeMatcher>();

/** Whether the Node can use the volume. */
export function reaches(node: Matched, volume: PersistentVolume): boolean {
  const known = matchers.get(volume);
  if (known !== undefined) return known(node);
  const terms = volume.spec.nodeAffinity?.required?.nodeSelectorTerms?.map((term) => compileTerm(term));
  const made: NodeMatcher = (on) => terms === undefined || terms.some((term) => term(on));
  matchers.set(volume, made);
  return made(node);
}

/** A volume of the class may be made on the Node. */
function allows({ allowedTopologies }: StorageClass, { labels }: Matched): boolean {
  return (allowedTopologies ?? []).length === 0 ||
    allowedTopologies!.some(({ matchLabelExpressions = [] }) =>
      matchLabelExpressions.every(({ key, values }) => values.includes(labels[key] ?? ""))
    );
}

const sizeOf = ({ spec }: PersistentVolumeClaim) => spec.resources?.requests?.storage ?? "0";

/** A volume for each of the claims, the smallest first; `undefined`: the Node has none for one of them. */
export function chooseVolumes(
  claims: readonly PersistentVolumeClaim[],
  node: Matched,
  catalogue: Catalogue,
): readonly VolumeChoice[] | undefined {
  const chosen: VolumeChoice[] = [];
  const taken = new Set<string>();
  for (const claim of claims.toSorted((a, b) => compareQuantities(sizeOf(a), sizeOf(b)))) {
    const found = waitingClass(claim, catalogue);
    if (found === undefined) return undefined;
    const decided = claim.metadata.annotations?.[selectedNodeAnnotation];
    if (decided !== undefined && decided !== node.name) return undefined;
    const key = keyOf(claim);
    for (const [volume, other] of catalogue.promised) if (other !== key) taken.add(volume);
    const options = { reaches: (volume: PersistentVolume) => reaches(node, volume), taken };
    const volume = decided === undefined ? matchingVolume(claim, catalogue.volumes(), options) : undefined;
    if (volume === undefined && (found.provisioner === noProvisioner || !allows(found, node))) return undefined;
    if (volume !== undefined) taken.add(volume.metadata.name);
    chosen.push({ claim, volume });
  }
  return chosen;
}

/** The pod's claims that wait for its place. */
export function waitingClaims(pod: PodInfo, catalogue: Catalogue): PersistentVolumeClaim[] {
  return pod.claims.map((name) => catalogue.claim(`${pod.namespace}/${name}`))
    .filter((claim) => claim !== undefined && waitingClass(claim, catalogue) !== undefined) as PersistentVolumeClaim[];
}

/** A claim could not be bound where the pod was to go. */
export class VolumeBindingError extends Error {
  override name = "VolumeBindingError";
}

export interface Binding {
  client: Client;
  clock: Clock;
  claims: Informer<PersistentVolumeClaim>;
  signal: AbortSignal;
}

/** Promises the volumes, or asks for them to be made on the Node, and waits until the claims are bound. Throws VolumeBindingError. */
export async function bindVolumes(binding: Binding, choices: readonly VolumeChoice[], node: string): Promise<void> {
  if (binding.signal.aborted) throw new VolumeBindingError("binding volumes: the scheduler ends");
  await Promise.all(choices.map((choice) => promise(binding.client, choice, node)));
  await Promise.all(
    choices.map(({ claim, volume }) => untilBound(binding, claim, volume === undefined ? node : undefined)),
  );
}

async function promise(client: Client, { claim, volume }: VolumeChoice, node: string): Promise<void> {
  if (volume === undefined) {
    if (claim.metadata.annotations?.[selectedNodeAnnotation] === node) return;
    const { uid, resourceVersion } = claim.metadata;
    const metadata = { uid, resourceVersion, annotations: { [selectedNodeAnnotation]: node } };
    await client.patch(ClaimKind, claim.metadata, { type: "merge", patch: { metadata } });
    return;
  }
  if (volume.spec.claimRef?.uid === claim.metadata.uid) return;
  const { uid, resourceVersion } = volume.metadata;
  const annotations = volume.spec.claimRef === undefined ? { [boundByControllerAnnotation]: "yes" } : undefined;
  const patch = { metadata: { uid, resourceVersion, annotations }, spec: { claimRef: claimReference(claim) } };
  await client.patch(VolumeKind, volume.metadata, { type: "merge", patch });
}

function untilBound({ claims, clock, signal }: Binding, claim: PersistentVolumeClaim, node?: string): Promise<void> {
  const key = keyOf(claim);
  const { uid } = claim.metadata;
  return new Promise((resolve, reject) => {
    let asked = false;
    const end = (settle: () => void) => {
      unsubscribe();
      cancel();
      signal.removeEventListener("abort", aborted);
      settle();
    };
    const fail = (why: string) => end(() => reject(new VolumeBindingError(`binding volumes: ${why}`)));
    const aborted = () => fail("the scheduler ends");
    const look = () => {
      const now = claims.get(key);
      if (now === undefined || now.metadata.uid !== uid) return fail(`claim ${key} is gone`);
      if (isBound(now)) return end(resolve);
      const selected = now.metadata.annotations?.[selectedNodeAnnotation];
      // Who makes volumes takes the annotation away where it cannot.
      if (asked && node !== undefined && selected !== node) {
        return fail(`selectedNode annotation value "${selected ?? ""}" not set to scheduled node "${node}"`);
      }
      asked ||= selected === node;
    };
    const cancel = clock.after(volumeBindingTimeoutMs, () => fail("timed out waiting for the condition"));
    // It reports at once what is there already: before the answer that ends it.
    const unsubscribe = claims.onChange((change) => change.key === key && queueMicrotask(look));
    signal.addEventListener("abort", aborted, { once: true });
    queueMicrotask(look);
  });
}
