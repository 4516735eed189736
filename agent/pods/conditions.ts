/** A pod's conditions (kubelet: pkg/kubelet/status/generate.go). Pure. */
import { type Instant, rfc3339 } from "../../lib/seams/clock.ts";
import type { ContainerStatus, Pod, PodCondition } from "../../lib/types/core_v1.ts";
import { isSidecar } from "./pod_spec.ts";
import type { PodView } from "./view.ts";

/** The types that the agent owns; others are kept as they are. */
export const ownConditions = [
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
] as const;

export interface ConditionInput {
  readonly pod: Pod;
  readonly phase: string;
  readonly init: readonly ContainerStatus[];
  readonly containers: readonly ContainerStatus[];
  readonly sandboxReady: boolean;
  readonly now: Instant;
}

interface Fact {
  status: boolean;
  reason?: string;
  message?: string;
}

export function podConditions(input: ConditionInput): PodCondition[] {
  const { pod, now } = input;
  const before = new Map((pod.status?.conditions ?? []).map((c) => [c.type, c]));
  const containersReady = containersReadyFact(input);
  const facts: Record<(typeof ownConditions)[number], Fact> = {
    PodReadyToStartContainers: { status: input.sandboxReady },
    Initialized: initializedFact(input),
    Ready: readyFact(input, containersReady),
    ContainersReady: containersReady,
    PodScheduled: { status: true },
  };
  return ownConditions.map((type) => {
    const { status, reason, message } = facts[type];
    const text = status ? "True" : "False";
    const old = before.get(type);
    const lastTransitionTime = old?.status === text && old.lastTransitionTime !== undefined
      ? old.lastTransitionTime
      : rfc3339(now);
    return {
      type,
      status: text,
      ...(pod.metadata.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
      lastTransitionTime,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
    };
  });
}

/** Types that are there only while they are True. */
export const passingConditions = ["PodResizePending", "PodResizeInProgress"] as const;

/** What becomes of a change of the pod's resources (kubelet: status_manager.go, SetPodResizePendingCondition). */
export function resizeConditions(view: PodView, now: Instant): PodCondition[] {
  const { pod, memory } = view;
  const { resizePending, resizing, resizeFailure } = memory;
  const made = (
    type: (typeof passingConditions)[number],
    generation: number,
    why: { reason?: string; message?: string },
  ) => {
    const old = pod.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
    const lastTransitionTime = old?.lastTransitionTime ?? rfc3339(now);
    const { reason, message } = why;
    return {
      type,
      status: "True",
      ...(generation === 0 ? {} : { observedGeneration: generation }),
      lastTransitionTime,
      ...(reason === undefined ? {} : { reason, message }),
    } as PodCondition;
  };
  return [
    ...(resizePending === undefined ? [] : [made("PodResizePending", resizePending.generation, resizePending)]),
    ...(resizing === undefined ? [] : [made("PodResizeInProgress", resizing.generation, resizeFailure ?? {})]),
  ];
}

const podCompleted = { status: false, reason: "PodCompleted" } as const;

function initializedFact({ pod, phase, init, containers }: ConditionInput): Fact {
  const spec = new Map((pod.spec.initContainers ?? []).map((c) => [c.name, c]));
  const incomplete = init.filter((status) => {
    const container = spec.get(status.name)!;
    return isSidecar(container) ? status.started !== true : !status.ready;
  }).map(({ name }) => name);
  if (phase === "Succeeded") return { status: true, reason: "PodCompleted" };
  // Once a container proper has run, initialisation is history: a sidecar that restarts does not undo it.
  const began = containers.some((c) => c.containerID !== undefined);
  if (incomplete.length === 0 || began) return { status: true };
  return {
    status: false,
    reason: "ContainersNotInitialized",
    message: `containers with incomplete status: [${incomplete.join(" ")}]`,
  };
}

function containersReadyFact({ pod, phase, init, containers }: ConditionInput): Fact {
  if (phase === "Succeeded") return podCompleted;
  if (phase === "Failed") return { status: false, reason: "PodFailed" };
  const sidecarNames = new Set((pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const unready = [...init.filter(({ name }) => sidecarNames.has(name)), ...containers]
    .filter(({ ready }) => !ready).map(({ name }) => name);
  if (unready.length === 0) return { status: true };
  return {
    status: false,
    reason: "ContainersNotReady",
    message: `containers with unready status: [${unready.join(" ")}]`,
  };
}

function readyFact({ pod }: ConditionInput, containersReady: Fact): Fact {
  if (!containersReady.status) return containersReady;
  const messages: string[] = [];
  for (const { conditionType } of pod.spec.readinessGates ?? []) {
    const gate = pod.status?.conditions?.find((c) => c.type === conditionType);
    if (gate === undefined) {
      messages.push(`corresponding condition of pod readiness gate ${JSON.stringify(conditionType)} does not exist.`);
    } else if (gate.status !== "True") {
      messages.push(
        `the status of pod readiness gate ${JSON.stringify(conditionType)} is not "True", but ${gate.status}`,
      );
    }
  }
  if (messages.length === 0) return { status: true };
  return { status: false, reason: "ReadinessGatesNotReady", message: messages.join(", ") };
}
