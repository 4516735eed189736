/** What the operations on pods are given: the node's parts, and the one pod they are about. */
import type { Client } from "../../lib/client/client.ts";
import type { Recorder } from "../../lib/events.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Pod, Service } from "../../lib/types/core_v1.ts";
import type { Engine } from "../engine/engine.ts";
import type { PodNetwork } from "../network/network.ts";
import type { References } from "../volumes/references.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Surroundings } from "./downward.ts";
import type { Owner } from "./names.ts";
import type { Observer } from "./observer.ts";
import { fieldPath, hostNetwork, type Member, memberOf } from "./pod_spec.ts";
import type { PodFilesOptions } from "./pod_files.ts";
import type { PodImages } from "./pod_images.ts";
import type { StatusWriter } from "./status_writer.ts";
import type { Failure, Memory, PodView } from "./view.ts";
import { podIPs } from "./status.ts";
import { type Backoff, backoffMs } from "../../lib/queue/backoff.ts";

export interface NodeParts {
  readonly engine: Engine;
  readonly network: PodNetwork;
  readonly observer: Observer;
  readonly volumes: Volumes;
  readonly references: References;
  readonly images: PodImages;
  readonly client: Client;
  readonly clock: Clock;
  readonly recorder: Recorder;
  readonly status: StatusWriter;
  readonly owner: Owner;
  readonly files: PodFilesOptions;
  readonly node: NodeFacts;
  /** Undefined while they have never been read. */
  readonly services: () => Iterable<Service> | undefined;
  /** Ends with the agent. */
  readonly signal: AbortSignal;
}

export interface NodeFacts {
  readonly name: string;
  readonly hostIPs: readonly string[];
  readonly allocatable: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly memoryCapacityBytes: number;
  readonly seccompDirectory: string;
}

export interface PodContext {
  readonly parts: NodeParts;
  readonly pod: Pod;
  readonly view: PodView;
  readonly memory: Memory;
  /** Something about the pod has changed: it is planned again. */
  readonly changed: () => void;
}

export function podEvent(
  { parts, pod, view }: PodContext,
  type: "Normal" | "Warning",
  reason: string,
  message: string,
): void {
  if (!view.wanted) return;
  parts.recorder.event(pod, type, reason, message);
}

export function containerEvent(
  { parts, pod, view }: PodContext,
  member: Member | undefined,
  [type, reason, message]: readonly ["Normal" | "Warning", string, string],
): void {
  if (!view.wanted) return;
  const part = member === undefined ? {} : { fieldPath: fieldPath(member) };
  parts.recorder.event(
    { apiVersion: pod.apiVersion, kind: pod.kind, metadata: pod.metadata, ...part },
    type,
    reason,
    message,
  );
}

export function memberNamed({ pod }: PodContext, name: string): Member {
  return memberOf(pod, name) ?? { role: "regular", container: { name } };
}

export function surroundings({ parts, view, memory }: PodContext): Surroundings {
  const { hostIPs, allocatable } = parts.node;
  const own = hostNetwork(view.pod)
    ? hostIPs
    : memory.address === undefined
    ? podIPs(view, parts.node)
    : [memory.address.ip];
  return { hostIPs, allocatable, podIPs: own };
}

/** The failure after `before`, with the time of the next attempt. */
export function nextFailure(
  before: Failure | undefined,
  { reason, message, now, backoff }: { reason: string; message: string; now: number; backoff: Backoff },
): Failure {
  const failures = before === undefined ? 1 : before.failures + 1;
  return { reason, message, failures, failedAt: now, retryAt: now + backoffMs(backoff, failures - 1) };
}

export const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error);
