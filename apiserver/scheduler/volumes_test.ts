/** Which volumes a Node has for claims that wait for their first consumer. */
import assert from "assert";
import { type Catalogue, emptyCatalogue } from "./catalogue.ts";
import { chooseVolumes } from "./volumes.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const inZone = (zone: string) => ({
  required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "zone", operator: "In", values: [zone] }] }] },
});
const claim = (name: string, storage = "1Gi", more: Loose = {}): Loose => ({
  metadata: { namespace: "default", name, uid: `uid-${name}`, annotations: more.annotations },
  spec: {
    storageClassName: more.class ?? "local",
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage } },
    ...more.spec,
  },
});
const volume = (name: string, zone: string, storage = "1Gi", more: Loose = {}): Loose => ({
  metadata: { name, resourceVersion: "1" },
  spec: {
    storageClassName: "local",
    accessModes: ["ReadWriteOnce"],
    capacity: { storage },
    nodeAffinity: inZone(zone),
    ...more,
  },
  status: { phase: "Available" },
});
const classes: Record<string, Loose> = {
  local: { provisioner: "kubernetes.io/no-provisioner", volumeBindingMode: "WaitForFirstConsumer" },
  made: { provisioner: "example.com/disks", volumeBindingMode: "WaitForFirstConsumer" },
  zoned: {
    provisioner: "example.com/disks",
    volumeBindingMode: "WaitForFirstConsumer",
    allowedTopologies: [{ matchLabelExpressions: [{ key: "zone", values: ["2", "3"] }] }],
  },
  immediate: { provisioner: "example.com/disks", volumeBindingMode: "Immediate" },
};

interface Case {
  name: string;
  claims: Loose[];
  volumes?: Loose[];
  promised?: Record<string, string>;
  zone?: string;
  /** `claim=volume`, `claim=?` where one is to be made; `null`: the Node has none. */
  expect: string | null;
}

const selected = { annotations: { "volume.kubernetes.io/selected-node": "node" } };
const elsewhere = { annotations: { "volume.kubernetes.io/selected-node": "other" } };

const cases: readonly Case[] = [
  { name: "the Node's own", claims: [claim("a")], volumes: [volume("v1", "2"), volume("v2", "1")], expect: "a=v2" },
  { name: "none that the Node reaches", claims: [claim("a")], volumes: [volume("v1", "2")], expect: null },
  { name: "none that is large enough", claims: [claim("a", "2Gi")], volumes: [volume("v1", "1")], expect: null },
  {
    name: "the smallest claim first, so that all fit",
    claims: [claim("large", "5Gi"), claim("small", "1Gi")],
    volumes: [volume("v5", "1", "5Gi"), volume("v4", "1", "4Gi")],
    expect: "small=v4 large=v5",
  },
  { name: "one volume for two", claims: [claim("a"), claim("b")], volumes: [volume("v1", "1")], expect: null },
  {
    name: "one that is promised to another",
    claims: [claim("a")],
    volumes: [volume("v1", "1")],
    promised: { v1: "default/b" },
    expect: null,
  },
  {
    name: "one that is promised to this claim",
    claims: [claim("a")],
    volumes: [volume("v1", "1")],
    promised: { v1: "default/a" },
    expect: "a=v1",
  },
  {
    name: "one that is kept for the claim, though another is smaller",
    claims: [claim("a")],
    volumes: [
      volume("v1", "1"),
      volume("v9", "1", "9Gi", { claimRef: { namespace: "default", name: "a", uid: "uid-a" } }),
    ],
    expect: "a=v9",
  },
  {
    name: "one that is kept for the claim and out of reach",
    claims: [claim("a")],
    volumes: [
      volume("v1", "1"),
      volume("v9", "2", "9Gi", { claimRef: { namespace: "default", name: "a", uid: "uid-a" } }),
    ],
    expect: null,
  },
  { name: "one that is made", claims: [claim("a", "1Gi", { class: "made" })], expect: "a=?" },
  { name: "one that is made, in an allowed zone", claims: [claim("a", "1Gi", { class: "zoned" })], expect: null },
  { name: "the same elsewhere", claims: [claim("a", "1Gi", { class: "zoned" })], zone: "3", expect: "a=?" },
  { name: "made here already", claims: [claim("a", "1Gi", { class: "made", ...selected })], expect: "a=?" },
  { name: "made elsewhere", claims: [claim("a", "1Gi", { class: "made", ...elsewhere })], expect: null },
  { name: "one that waits for nobody", claims: [claim("a", "1Gi", { class: "immediate" })], expect: null },
  { name: "a class that is gone", claims: [claim("a", "1Gi", { class: "gone" })], expect: null },
];

for (const { name, claims, volumes = [], promised = {}, zone = "1", expect } of cases) {
  Deno.test(`chooseVolumes(): ${name}`, () => {
    const catalogue: Catalogue = {
      ...emptyCatalogue,
      volumes: () => volumes,
      storageClass: (of) => classes[of],
      promised: new Map(Object.entries(promised)),
      knowsVolumes: true,
    };
    const chosen = chooseVolumes(claims, { name: "node", labels: { zone } }, catalogue);
    const text = chosen?.map((choice) => `${choice.claim.metadata.name}=${choice.volume?.metadata.name ?? "?"}`);
    assert.equal(text?.join(" ") ?? null, expect);
  });
}
