/**
 * In-place resize (kubelet: pkg/kubelet/allocation, kuberuntime computePodResizeAction). What the API wants of a pod's CPU and memory is
 * one thing, what the node has granted (the allocation) another, and what a running container is held to (applied) a third. A wish is
 * granted when it fits the node; what is applied follows what is granted. Pods are planned as granted. Pure.
 * Leaves out resources of the pod as a whole, which have no control group here.
 */
import { bytes, compareQuantities, milli } from "../../lib/quantity.ts";
import type { Container, Pod, ResourceRequirements } from "../../lib/types/core_v1.ts";
import type { ResourceUpdate } from "../engine/engine.ts";
import { type NodeRoom, podRequests, shortageOf } from "./admit.ts";
import type { Observed } from "./observed.ts";
import { initContainers, isSidecar, type Member, members } from "./pod_spec.ts";
import { engineResources } from "./resources.ts";
import { isRunning, newest, type PodView } from "./view.ts";

/** What the node has granted, by name of the container. */
export type Allocation = ReadonlyMap<string, ResourceRequirements>;

const resized = ["memory", "cpu"] as const;
const lists = ["requests", "limits"] as const;
type Resized = (typeof resized)[number];

export function allocationOf(pod: Pod): Allocation {
  return new Map([...initContainers(pod), ...pod.spec.containers].map((c) => [c.name, c.resources ?? {}]));
}

/**
 * What was granted to a pod that is found here: by the checkpoint, by what its status says of what its containers have, or else what
 * it asks for.
 */
export function allocationFound(pod: Pod, saved: Pod | undefined): Allocation {
  const found = new Map([...allocationOf(pod), ...(saved === undefined ? [] : allocationOf(saved))]);
  if (saved !== undefined) return found;
  for (const status of [...pod.status?.initContainerStatuses ?? [], ...pod.status?.containerStatuses ?? []]) {
    if (status.resources === undefined || !found.has(status.name)) continue;
    const requests = { ...status.resources.requests, ...status.allocatedResources };
    found.set(status.name, { ...found.get(status.name), ...status.resources, requests });
  }
  return found;
}

/** The pod with what was granted instead of what is asked for; the same object where there is no difference. */
export function withAllocation(pod: Pod, allocation: Allocation): Pod {
  const replace = (container: Container): Container => {
    const granted = allocation.get(container.name);
    if (granted === undefined || sameResources(granted, container.resources)) return container;
    return { ...container, resources: withResized(container.resources ?? {}, granted) };
  };
  const containers = pod.spec.containers.map(replace);
  const init = pod.spec.initContainers?.map(replace);
  const changed = containers.some((c, i) => c !== pod.spec.containers[i]) ||
    (init ?? []).some((c, i) => c !== pod.spec.initContainers![i]);
  if (!changed) return pod;
  return { ...pod, spec: { ...pod.spec, containers, ...(init === undefined ? {} : { initContainers: init }) } };
}

/** CPU and memory of `from`, all else of `resources`. */
function withResized(resources: ResourceRequirements, from: ResourceRequirements): ResourceRequirements {
  const made = { ...resources };
  for (const list of lists) {
    const entries = Object.entries(resources[list] ?? {}).filter(([name]) => !isResized(name));
    const all = Object.fromEntries([
      ...entries,
      ...Object.entries(from[list] ?? {}).filter(([name]) => isResized(name)),
    ]);
    if (Object.keys(all).length > 0) made[list] = all;
    else delete made[list];
  }
  return made;
}

const isResized = (name: string): name is Resized => name === "cpu" || name === "memory";

function same(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && compareQuantities(a, b) === 0);
}

const sameOf = (name: Resized, a: ResourceRequirements | undefined, b: ResourceRequirements | undefined) =>
  lists.every((list) => same(a?.[list]?.[name], b?.[list]?.[name]));

/** Equal in CPU and memory. */
export function sameResources(a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): boolean {
  return resized.every((name) => sameOf(name, a, b));
}

export interface Refusal {
  /** `Infeasible`: never on this node. `Deferred`: not now. */
  readonly reason: "Infeasible" | "Deferred";
  readonly message: string;
}

/** Undefined: the node can give the pod what it asks for. `others`: of the room are without this pod. */
export function refusalOf(pod: Pod, room: NodeRoom): Refusal | undefined {
  const requests = podRequests(pod);
  for (const name of resized) {
    const requested = requests.get(name) ?? 0n;
    const capacity = room.allocatable[name] ?? "0";
    const unit = name === "cpu" ? 1_000_000n : 1_000_000_000n;
    const rounded = (requested + unit - 1n) / unit;
    const whole = name === "cpu" ? milli(capacity) : bytes(capacity);
    if (rounded <= BigInt(whole)) continue;
    const message = `Node didn't have enough capacity: ${name}, requested: ${rounded}, capacity: ${whole}`;
    return { reason: "Infeasible", message };
  }
  const shortage = shortageOf(pod, room);
  return shortage === undefined ? undefined : { reason: "Deferred", message: shortage.message };
}

/** Asks the pod for more than it was granted? */
export function asksForMore(pod: Pod, allocation: Allocation): boolean {
  const granted = podRequests(withAllocation(pod, allocation));
  return [...podRequests(pod)].some(([name, value]) => isResized(name) && value > (granted.get(name) ?? 0n));
}

/** A running container that is not held to what was granted. */
export interface Resizing {
  readonly member: Member;
  readonly container: Observed;
  readonly from: ResourceRequirements;
  readonly to: ResourceRequirements;
}

/**
 * What a container is held to: as this agent has set it, as its status tells (an earlier agent has set it), as it was created with.
 */
export function appliedTo(view: PodView, { container }: Member, there: Observed): ResourceRequirements {
  const set = view.memory.applied.get(there.id);
  if (set !== undefined) return set;
  const told = [...view.pod.status?.containerStatuses ?? [], ...view.pod.status?.initContainerStatuses ?? []]
    .find((status) => status.name === container.name && status.containerID?.endsWith(`//${there.id}`));
  if (told?.resources !== undefined && told.state?.running !== undefined) return told.resources;
  return there.resources ?? container.resources ?? {};
}

export function resizingOf(view: PodView, member: Member, there: Observed): Resizing | undefined {
  if (member.role === "ephemeral") return undefined;
  const from = appliedTo(view, member, there);
  const to = member.container.resources ?? {};
  return sameResources(from, to) ? undefined : { member, container: there, from, to };
}

export function resizings(view: PodView): Resizing[] {
  return members(view.pod).flatMap((member) => {
    const there = newest(view, member.container.name);
    return isRunning(view, there) ? resizingOf(view, member, there) ?? [] : [];
  });
}

/** Says its resizePolicy that what changes needs a restart? */
export function needsRestart({ member, from, to }: Resizing): boolean {
  return (member.container.resizePolicy ?? []).some(({ resourceName, restartPolicy }) =>
    restartPolicy === "RestartContainer" && isResized(resourceName) && !sameOf(resourceName, from, to)
  );
}

export interface ResizeStep {
  readonly resizing: Resizing;
  readonly resource: Resized;
  /** Empty when the engine has nothing to do: a request for memory is for the scheduler only. */
  readonly update: ResourceUpdate;
}

/** One resource of one container after the other, memory first, and first what becomes less: so that the sum never overshoots. */
export function stepsOf(all: readonly Resizing[]): ResizeStep[] {
  return resized.flatMap((resource) => {
    const steps = all.filter(({ from, to }) => !sameOf(resource, from, to))
      .map((resizing) => ({ resizing, resource, update: updateOf(resource, resizing) }));
    const grows = ({ resizing: { from, to } }: ResizeStep) => sizeOf(resource, to) >= sizeOf(resource, from);
    return [...steps.filter((step) => !grows(step)), ...steps.filter(grows)];
  });
}

function sizeOf(name: Resized, resources: ResourceRequirements): number {
  const text = resources.limits?.[name] ?? resources.requests?.[name];
  return text === undefined ? Infinity : name === "cpu" ? milli(text) : bytes(text);
}

function updateOf(resource: Resized, { member, from, to }: Resizing): ResourceUpdate {
  const { name } = member.container;
  const [before, after] = [from, to].map((resources) => engineResources({ name, resources: plain(resources) }));
  const changed: { -readonly [Name in keyof ResourceUpdate]: ResourceUpdate[Name] } = {};
  for (const key of resource === "memory" ? ["memoryBytes"] as const : ["cpuShares", "nanoCpus"] as const) {
    if (after![key] !== undefined && after![key] !== before![key]) changed[key] = after![key];
  }
  return changed;
}

/** CPU and memory only. */
const plain = (resources: ResourceRequirements) => withResized({}, resources);

/** What a container is held to after a step. */
export function afterStep(applied: ResourceRequirements, { resource, resizing: { to } }: ResizeStep) {
  const made: ResourceRequirements = { ...applied };
  for (const list of lists) {
    const { [resource]: _, ...rest } = applied[list] ?? {};
    const value = to[list]?.[resource];
    made[list] = value === undefined ? rest : { ...rest, [resource]: value };
  }
  return made;
}

/** A pod for the sum of a node: each container with the larger of what it was granted and what it still has. */
export function asHeld(view: PodView): Pod {
  const most = new Map(
    resizings(view).map(({ member, from, to }) => {
      const requests = { ...to.requests };
      for (const name of resized) {
        const [had, has] = [from.requests?.[name], to.requests?.[name]];
        if (had !== undefined && (has === undefined || compareQuantities(had, has) > 0)) requests[name] = had;
      }
      return [member.container.name, { ...to, requests }];
    }),
  );
  return most.size === 0 ? view.pod : withAllocation(view.pod, most);
}

/** The words of an Event: `Pod resize started: {"containers":[…],"generation":2}` (pkg/kubelet/events/resize.go). */
export function resizeMessage(
  what: string,
  pod: Pod,
  { generation, error }: { generation: number; error?: string },
): string {
  const summary = ({ name, resources = {} }: Container) => ({
    name,
    resources: {
      ...(resources.limits === undefined ? {} : { limits: sorted(resources.limits) }),
      ...(resources.requests === undefined ? {} : { requests: sorted(resources.requests) }),
    },
  });
  const init = initContainers(pod).filter(isSidecar).map(summary);
  const told = {
    ...(init.length === 0 ? {} : { initContainers: init }),
    containers: pod.spec.containers.map(summary),
    generation,
    ...(error === undefined ? {} : { error }),
  };
  return `Pod resize ${what}: ${JSON.stringify(told)}`;
}

function sorted(list: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(list).sort(([a], [b]) => a < b ? -1 : 1));
}
