import assert from "assert";
import type { PersistentVolume, PersistentVolumeClaim } from "../../../lib/types/core_v1.ts";
import type { StorageClass } from "../../../lib/types/storage_v1.ts";
import { matchingVolume } from "../../../lib/volume_match.ts";
import { planProtection } from "../volume_protection.ts";
import { type ClaimAction, planClaim } from "./claim_plan.ts";
import { planVolume, type VolumeAction } from "./volume_plan.ts";

const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
});

interface VolumeWish {
  size?: string;
  className?: string;
  modes?: string[];
  labels?: Record<string, string>;
  phase?: string;
  /** `name:uid` of the claim that it is kept for. */
  claim?: string;
  policy?: string;
  annotations?: Record<string, string>;
  block?: true;
}

function volume(name: string, wish: VolumeWish = {}): PersistentVolume {
  const { size = "5Gi", className, modes = ["ReadWriteOnce"], claim, policy = "Retain" } = wish;
  const [claimName, uid] = claim?.split(":") ?? [];
  return {
    metadata: { ...meta(name), labels: wish.labels, annotations: wish.annotations },
    spec: {
      capacity: { storage: size },
      accessModes: modes,
      storageClassName: className,
      claimRef: claim === undefined ? undefined : { namespace: "default", name: claimName, uid: uid || undefined },
      persistentVolumeReclaimPolicy: policy,
      volumeMode: wish.block ? "Block" : "Filesystem",
    },
    status: { phase: wish.phase ?? "Available" },
  } as unknown as PersistentVolume;
}

interface ClaimWish {
  size?: string;
  /** `undefined` in the object: `{ className: undefined }`. */
  className?: string;
  phase?: string;
  volume?: string;
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
}

function claim(wish: ClaimWish = {}): PersistentVolumeClaim {
  const className = "className" in wish ? wish.className : "";
  return {
    metadata: { ...meta("c"), annotations: wish.annotations },
    spec: {
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: wish.size ?? "5Gi" } },
      storageClassName: className,
      volumeName: wish.volume,
      selector: wish.labels === undefined ? undefined : { matchLabels: wish.labels },
    },
    status: { phase: wish.phase ?? "Pending" },
  } as unknown as PersistentVolumeClaim;
}

const storageClass = (name: string, mode = "Immediate", more: Partial<StorageClass> = {}) =>
  ({ metadata: meta(name), provisioner: "example.com/disks", volumeBindingMode: mode, ...more }) as StorageClass;

Deno.test("matchingVolume() takes the smallest that fits", () => {
  const table: [why: string, ClaimWish, PersistentVolume[], string | undefined][] = [
    ["the smallest", {}, [volume("a", { size: "20Gi" }), volume("b", { size: "10Gi" })], "b"],
    ["large enough", { size: "15Gi" }, [volume("a", { size: "20Gi" }), volume("b", { size: "10Gi" })], "a"],
    ["none", { size: "30Gi" }, [volume("a", { size: "20Gi" })], undefined],
    ["of its class", { className: "x" }, [volume("a"), volume("b", { className: "x", size: "9Gi" })], "b"],
    ["without a class", {}, [volume("a", { className: "x" })], undefined],
    ["with its labels", { labels: { a: "b" } }, [volume("a"), volume("b", { labels: { a: "b" }, size: "9Gi" })], "b"],
    ["free", {}, [volume("a", { phase: "Released" }), volume("b", { claim: "other:" })], undefined],
    ["the one that is kept for it", {}, [volume("a"), volume("b", { claim: "c:", size: "99Gi" })], "b"],
    ["not one that was kept for a namesake", {}, [volume("a", { claim: "c:older" })], undefined],
    ["of its mode", {}, [volume("a", { block: true })], undefined],
    ["with its access", {}, [volume("a", { modes: ["ReadOnlyMany"] })], undefined],
    ["with as little more access as can be", {}, [
      volume("a", { modes: ["ReadWriteOnce", "ReadWriteMany"] }),
      volume("b", { size: "9Gi" }),
    ], "b"],
  ];
  for (const [why, wish, volumes, expected] of table) {
    assert.equal(matchingVolume(claim(wish), volumes)?.metadata.name, expected, why);
  }
  assert.equal(matchingVolume(claim(), [volume("a")], { taken: new Set(["a"]) }), undefined);
  assert.equal(matchingVolume(claim(), [volume("a")], { onlyKept: true }), undefined);
  assert.equal(matchingVolume(claim(), [volume("a", { claim: "c:" })], { reaches: () => false }), undefined);
});

function textOf(action: ClaimAction | VolumeAction): string {
  switch (action.do) {
    case "report":
      return `${action.report.reason}: ${action.report.message}`;
    case "updateClaim": {
      const { spec, metadata } = action.claim;
      const keys = Object.keys(metadata.annotations ?? {}).map((key) => key.split("/")[1]);
      return `claim ${spec.storageClassName}/${spec.volumeName ?? "-"} ${keys.join(" ")}`.trim();
    }
    case "updateClaimStatus":
      return `claim is ${action.claim.status.phase} ${action.claim.status.capacity?.storage ?? "-"}`;
    case "updateVolume": {
      const { claimRef } = action.volume.spec;
      return `volume ${action.volume.metadata.name} for ${claimRef?.name ?? "-"}:${claimRef?.uid ?? ""}`;
    }
    case "updateVolumeStatus":
      return `volume is ${action.volume.status.phase}`;
    case "releaseVolume":
      return "release";
  }
}

/** Messages are told from each other by how they begin. */
const short = (texts: readonly string[]) => texts.map((text) => text.slice(0, 60));

const done = { "pv.kubernetes.io/bind-completed": "yes" };

Deno.test("planClaim() binds step by step, and says what it waits for", () => {
  const waits = storageClass("x", "WaitForFirstConsumer");
  const isDefault = {
    metadata: { ...meta("x"), annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  };
  const table: [why: string, ClaimWish, PersistentVolume[], StorageClass[], string[], string[]][] = [
    ["the volume first", {}, [volume("v")], [], [], ["volume v for c:c"]],
    ["then the claim", {}, [volume("v", { claim: "c:c" })], [], [], [
      "claim /v bound-by-controller bind-completed",
    ]],
    ["then its status", { volume: "v", annotations: done }, [volume("v", { claim: "c:c", size: "9Gi" })], [], [], [
      "claim is Bound 9Gi",
    ]],
    ["a chosen one", { volume: "v" }, [volume("v"), volume("w")], [], [], ["volume v for c:c"]],
    ["a chosen one that is too small", { volume: "v" }, [volume("v", { size: "1Gi" })], [], [], [
      'VolumeMismatch: Cannot bind to requested volume "v": requested PV is too sma',
    ]],
    ["a chosen one that is another's", { volume: "v" }, [volume("v", { claim: "other:o" })], [], [], []],
    ["a chosen one that is not there", { volume: "v" }, [], [], [], []],
    ["nothing, no class", {}, [], [], [], [
      "FailedBinding: no persistent volumes available for this claim and no storage c",
    ]],
    ["a class that is not there", { className: "x" }, [], [], [], [
      'ProvisioningFailed: storageclass.storage.k8s.io "x" not found',
    ]],
    [
      "a class of volumes made by hand",
      { className: "x" },
      [],
      [
        storageClass("x", "Immediate", { provisioner: "kubernetes.io/no-provisioner" }),
      ],
      [],
      ["ProvisioningFailed: no volume plugin matched name: kubernetes.io/no-provisioner"],
    ],
    ["a provisioner is told", { className: "x" }, [], [storageClass("x")], [], [
      "claim x/- storage-provisioner storage-provisioner",
      "ExternalProvisioning: Waiting for a volume to be created either by the external pr",
    ]],
    ["the default class", { className: undefined }, [], [storageClass("x", "Immediate", isDefault)], [], ["claim x/-"]],
    ["a consumer is waited for", { className: "x" }, [volume("v", { className: "x" })], [waits], [], [
      "WaitForFirstConsumer: waiting for first consumer to be created before binding",
    ]],
    ["and for its place", { className: "x" }, [], [waits], ["p", "q"], [
      "WaitForPodScheduled: waiting for pods p,q to be scheduled",
    ]],
    [
      "its place is known",
      { className: "x", annotations: { "volume.kubernetes.io/selected-node": "n" } },
      [],
      [waits],
      [
        "p",
      ],
      [
        "claim x/- selected-node storage-provisioner storage-provisioner",
        "ExternalProvisioning: Waiting for a volume to be created either by the external pr",
      ],
    ],
    ["lost", { volume: "v", annotations: done, phase: "Bound" }, [], [], [], [
      "claim is Lost -",
      "ClaimLost: Bound claim has lost reference to PersistentVolume. Data on ",
    ]],
    ["misbound", { volume: "v", annotations: done, phase: "Bound" }, [volume("v", { claim: "other:o" })], [], [], [
      "claim is Lost -",
      "ClaimMisbound: Two claims are bound to the same volume, this one is bound i",
    ]],
  ];
  for (const [why, wish, volumes, classes, waiting, expected] of table) {
    const find = (name: string) => volumes.find(({ metadata }) => metadata.name === name);
    const actions = planClaim({ claim: claim(wish), volumes, volume: find, classes, waiting });
    assert.deepEqual(short(actions.map(textOf)), short(expected), why);
  }
});

Deno.test("planVolume() says what the volume is", () => {
  const ours = { "pv.kubernetes.io/bound-by-controller": "yes" };
  const external = { "pv.kubernetes.io/provisioned-by": "example.com/disks" };
  const table: [why: string, VolumeWish, ClaimWish | undefined, string[]][] = [
    ["new", { phase: "Pending" }, undefined, ["volume is Available"]],
    ["kept for one to come", { phase: "Pending", claim: "c:" }, undefined, ["volume is Available"]],
    ["being bound", { claim: "c:c" }, {}, []],
    ["bound", { claim: "c:c" }, { volume: "v" }, ["volume is Bound"]],
    ["its claim is gone", { claim: "c:c", phase: "Bound" }, undefined, ["release"]],
    ["a namesake's does not count", { claim: "c:older", phase: "Bound" }, { volume: "v" }, ["release"]],
    ["released, to be kept", { claim: "c:c", phase: "Released" }, undefined, []],
    ["to be deleted, and nobody knows how", { claim: "c:c", phase: "Released", policy: "Delete" }, undefined, [
      "volume is Failed",
      'VolumeFailedDelete: error getting deleter volume plugin for volume "v": no delet',
    ]],
    [
      "to be deleted by its maker",
      {
        claim: "c:c",
        phase: "Released",
        policy: "Delete",
        annotations: external,
      },
      undefined,
      [],
    ],
    ["to be emptied", { claim: "c:c", phase: "Released", policy: "Recycle" }, undefined, [
      "volume is Failed",
      "VolumeFailedRecycle: No recycler plugin found for the volume!",
    ]],
    ["we had chosen it, the claim is elsewhere", { claim: "c:c", annotations: ours }, { volume: "w" }, [
      "volume v for -:",
    ]],
    ["the user had, the claim is elsewhere", { claim: "c:c" }, { volume: "w" }, ["volume v for c:"]],
  ];
  for (const [why, wish, claimWish, expected] of table) {
    const named = claimWish === undefined ? undefined : claim(claimWish);
    const actions = planVolume({ volume: volume("v", wish), claim: named });
    assert.deepEqual(short(actions.map(textOf)), short(expected), why);
  }
});

Deno.test("planProtection() keeps what is in use", () => {
  const finalizer = "kubernetes.io/pvc-protection";
  const of = (finalizers: string[], deleting: boolean, used: boolean) => {
    const metadata = { ...meta("c"), finalizers, deletionTimestamp: deleting ? "2026-01-01T00:00:00Z" : undefined };
    const object = { apiVersion: "v1", kind: "PersistentVolumeClaim", metadata };
    return planProtection({ object, used }, finalizer).map((action) => action.finalizers.join());
  };
  assert.deepEqual(of([], false, false), [finalizer]);
  assert.deepEqual(of([finalizer], false, false), []);
  assert.deepEqual(of([finalizer, "x"], true, true), []);
  assert.deepEqual(of([finalizer, "x"], true, false), ["x"]);
  assert.deepEqual(of(["x"], true, false), []);
});
