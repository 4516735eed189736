/** Binds PersistentVolumeClaims to PersistentVolumes: keys are `claim namespace/name` and `volume name`. */
import type { Client } from "../../../lib/client/client.ts";
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import type { PersistentVolume, PersistentVolumeClaim, Pod } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { claimsOfPod } from "../volume_protection.ts";
import type { Parts } from "../parts.ts";
import { type ClaimAction, type ClaimView, planClaim } from "./claim_plan.ts";
import { planVolume, releasedVolume, type VolumeAction, type VolumeView } from "./volume_plan.ts";

type View = { of: "claim"; view: ClaimView } | { of: "volume"; view: VolumeView };
type Action = ClaimAction | VolumeAction;

const claimPrefix = "claim ";
const volumePrefix = "volume ";
const claimKeyOf = (claim: PersistentVolumeClaim) => claimPrefix + keyOf(claim);
const isBound = ({ status }: PersistentVolumeClaim) => status.phase === "Bound";

export function persistentVolumeController(parts: Parts): Controller<View, Action> {
  const { persistentVolumeClaims: claims, persistentVolumes: volumes, storageClasses, pods } = parts.informers;
  const unboundKeys = () => [...claims.list()].filter((claim) => !isBound(claim)).map(claimKeyOf);
  const keysOfClaim = (claim: PersistentVolumeClaim): readonly string[] => {
    const named = claim.spec.volumeName ? [claim.spec.volumeName] : [];
    const keeping = volumes.by("claim", keyOf(claim)).map(({ metadata }) => metadata.name);
    return [claimKeyOf(claim), ...[...named, ...keeping].map((name) => volumePrefix + name)];
  };
  /** A volume that is free concerns everybody who waits for one. */
  const keysOfVolume = ({ metadata, spec: { claimRef } }: PersistentVolume): readonly string[] => {
    const key = volumePrefix + metadata.name;
    const bound = claims.by("volume", metadata.name).map(claimKeyOf);
    if (claimRef === undefined) return [key, ...bound, ...unboundKeys()];
    return [key, ...bound, `${claimPrefix}${claimRef.namespace}/${claimRef.name}`];
  };
  return {
    name: "persistent-volume-binder",
    sources: [
      source(claims, keysOfClaim),
      source(volumes, keysOfVolume),
      source(storageClasses, unboundKeys),
      source(pods, () => []),
    ],
    view(key) {
      if (key.startsWith(claimPrefix)) {
        const claim = claims.get(key.slice(claimPrefix.length));
        if (claim === undefined) return undefined;
        const view: ClaimView = {
          claim,
          volumes: volumes.list(),
          volume: (name) => volumes.get(name),
          classes: [...storageClasses.list()],
          waiting: waitingPods(pods.by("namespace", claim.metadata.namespace), claim),
        };
        return { of: "claim", view };
      }
      const volume = volumes.get(key.slice(volumePrefix.length));
      if (volume === undefined) return undefined;
      const { namespace, name } = volume.spec.claimRef ?? {};
      return { of: "volume", view: { volume, claim: claims.get(`${namespace}/${name}`) } };
    },
    plan: (view) => view.of === "claim" ? planClaim(view.view) : planVolume(view.view),
    execute: (action, client, view) => executeBinding(action, client, view, parts),
  };
}

function waitingPods(pods: readonly Pod[], { metadata: { name } }: PersistentVolumeClaim): string[] {
  return pods.filter((pod) => !pod.spec.nodeName && claimsOfPod(pod).includes(name)).map(({ metadata }) =>
    metadata.name
  )
    .sort();
}

async function executeBinding(action: Action, client: Client, { view }: View, { recorder }: Parts): Promise<void> {
  switch (action.do) {
    case "updateClaim":
      await client.update(kinds.PersistentVolumeClaim, action.claim);
      return;
    case "updateClaimStatus":
      await client.update(kinds.PersistentVolumeClaim, action.claim, { subresource: "status" });
      return;
    case "updateVolume":
      await client.update(kinds.PersistentVolume, action.volume);
      return;
    case "updateVolumeStatus":
      await client.update(kinds.PersistentVolume, action.volume, { subresource: "status" });
      return;
    case "releaseVolume":
      return await releaseVolume(client, action.volume);
    case "report": {
      const { type, reason, message } = action.report;
      recorder.event(
        "claim" in view && "classes" in view ? view.claim : (view as VolumeView).volume,
        type,
        reason,
        message,
      );
    }
  }
}

/** Asks the server first: what is released loses its data, and the informer of claims may be behind that of volumes. */
async function releaseVolume(client: Client, volume: PersistentVolume): Promise<void> {
  const { namespace, name, uid } = volume.spec.claimRef!;
  try {
    const claim = await client.get(kinds.PersistentVolumeClaim, { namespace, name: name! });
    if (claim.metadata.uid === uid) return;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
  await client.update(kinds.PersistentVolume, releasedVolume(volume), { subresource: "status" });
}
