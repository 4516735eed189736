/** This node's object: what it registers with, and its status. Pure. */
import { formatQuantity, quantityOf } from "../../lib/quantity.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { New } from "../../lib/kind.ts";
import { nodeImagesMax } from "../../lib/limits.ts";
import type { Node, NodeStatus } from "../../lib/types/core_v1.ts";
import { gitVersion } from "../../lib/version.ts";
import type { ImageSummary } from "../engine/engine.ts";
import { type Health, nodeConditions } from "./conditions.ts";
import type { HostFacts } from "./facts.ts";

export interface NodeSettings {
  readonly name: string;
  readonly ip: string;
  readonly port: number;
  readonly maxPods: number;
  /** Given at the start; those of Kubernetes come on top. */
  readonly labels: Readonly<Record<string, string>>;
  readonly engine: { readonly name: string; readonly version: string };
}

/** Kept from pods, so that the host is not the one that runs out first (kubelet's hard eviction thresholds). */
const memoryReservedBytes = 100 * 2 ** 20;
const diskReservedShare = 0.1;

export function capacityOf(facts: HostFacts, maxPods: number): Record<string, string> {
  return {
    cpu: String(facts.cpus),
    memory: `${Math.floor(facts.memoryBytes / 1024)}Ki`,
    "ephemeral-storage": `${Math.floor(facts.diskBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
}

export function allocatableOf(facts: HostFacts, maxPods: number): Record<string, string> {
  return {
    ...capacityOf(facts, maxPods),
    memory: `${Math.floor(Math.max(0, facts.memoryBytes - memoryReservedBytes) / 1024)}Ki`,
    "ephemeral-storage": formatQuantity(quantityOf(Math.floor(facts.diskBytes * (1 - diskReservedShare)))),
  };
}

/** The labels that every node has. */
export function nodeLabels(
  settings: Pick<NodeSettings, "name" | "labels">,
  architecture: string,
): Record<string, string> {
  return {
    "beta.kubernetes.io/arch": architecture,
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": architecture,
    "kubernetes.io/hostname": settings.name,
    "kubernetes.io/os": "linux",
    ...settings.labels,
  };
}

export function newNode(settings: NodeSettings, facts: HostFacts): New<Node> {
  return {
    metadata: {
      name: settings.name,
      labels: nodeLabels(settings, facts.architecture),
      annotations: { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
    },
    spec: {},
  };
}

export interface StatusInput {
  readonly settings: NodeSettings;
  readonly facts: HostFacts;
  readonly health: Health;
  readonly images: readonly ImageSummary[];
  readonly now: Instant;
}

export function nodeStatus(old: NodeStatus, { settings, facts, health, images, now }: StatusInput): NodeStatus {
  const { engine } = settings;
  return {
    addresses: [{ type: "InternalIP", address: settings.ip }, { type: "Hostname", address: settings.name }],
    capacity: capacityOf(facts, settings.maxPods),
    allocatable: allocatableOf(facts, settings.maxPods),
    conditions: nodeConditions(old.conditions ?? [], health, now),
    daemonEndpoints: { kubeletEndpoint: { Port: settings.port } },
    nodeInfo: {
      machineID: facts.machineId,
      systemUUID: facts.systemUuid,
      bootID: facts.bootId,
      kernelVersion: facts.kernelVersion,
      osImage: facts.osImage,
      containerRuntimeVersion: `${engine.name}://${engine.version}`,
      kubeletVersion: gitVersion,
      kubeProxyVersion: "",
      operatingSystem: "linux",
      architecture: facts.architecture,
    },
    images: nodeImages(images),
  } as NodeStatus;
}

/** The largest first, as kubelet lists them. */
function nodeImages(images: readonly ImageSummary[]): NonNullable<NodeStatus["images"]> {
  return images.map(({ tags, digests, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, 5), sizeBytes }))
    .filter(({ names }) => names.length > 0)
    .sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, nodeImagesMax);
}
