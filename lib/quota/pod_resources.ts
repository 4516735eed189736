/** What a pod asks for as a whole (k8s.io/component-helpers/resource, PodRequests and PodLimits). Pure. */
import type { Quantity } from "../quantity.ts";
import { compareQuantities } from "../quantity.ts";
import type { Container, ContainerStatus, Pod, PodSpec } from "../types/core_v1.ts";
import { addTo, amountsOf, raiseTo } from "./amounts.ts";

/** The sum of what runs at the same time at most: containers and sidecars, or an init container and the sidecars before it. */
export function podTotal(spec: PodSpec, of: "requests" | "limits"): Map<string, Quantity> {
  const amounts = (container: Container) => amountsOf(container.resources?.[of]);
  const sum = new Map<string, Quantity>();
  for (const container of spec.containers ?? []) addTo(sum, amounts(container));
  const sidecars = new Map<string, Quantity>();
  const starting = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const own = amounts(container);
    if (container.restartPolicy === "Always") {
      addTo(sum, own);
      addTo(sidecars, own);
      raiseTo(starting, sidecars);
    } else {
      const now = new Map(sidecars);
      addTo(now, own);
      raiseTo(starting, now);
    }
  }
  raiseTo(sum, starting);
  // Amounts of the pod stand for all of its containers together.
  for (const [name, amount] of amountsOf(spec.resources?.[of])) if (isPodLevel(name)) sum.set(name, amount);
  const overhead = amountsOf(spec.overhead);
  // What is not limited is not limited by what the sandbox takes either.
  if (of === "limits") { for (const name of overhead.keys()) if (!sum.has(name)) overhead.delete(name); }
  addTo(sum, overhead);
  return sum;
}

/**
 * The spec of a pod whose resources are being changed: each container with the largest of what it asks for, what its node has granted
 * and what it has; what its node can never grant does not count (UseStatusResources). The pod's own spec where they are the same.
 */
export function heldSpec({ spec, status }: Pod): PodSpec {
  const infeasible = (status?.conditions ?? []).some(({ type, status, reason }) =>
    type === "PodResizePending" && status === "True" && reason === "Infeasible"
  );
  const containers = heldBy(spec.containers ?? [], status?.containerStatuses, infeasible ? "had" : "asked");
  const init = heldBy(spec.initContainers ?? [], status?.initContainerStatuses, infeasible ? "had" : "asked");
  if (containers === spec.containers && (init === spec.initContainers || spec.initContainers === undefined)) {
    return spec;
  }
  return { ...spec, containers, ...(spec.initContainers === undefined ? {} : { initContainers: init }) };
}

function heldBy(
  containers: Container[],
  statuses: readonly ContainerStatus[] | undefined,
  wish: "asked" | "had",
): Container[] {
  if (statuses === undefined || statuses.length === 0) return containers;
  const held = containers.map((container) => {
    const told = statuses.find(({ name }) => name === container.name);
    return told === undefined ? container : withHeld(container, told, wish);
  });
  return held.every((container, i) => container === containers[i]) ? containers : held;
}

/** Does a status say other requests than the container's spec? */
export function differsFromSpec(container: Container, { resources, allocatedResources }: ContainerStatus): boolean {
  const asked = container.resources?.requests ?? {};
  return [resources?.requests, allocatedResources].some((list) =>
    list !== undefined &&
    [...new Set([...Object.keys(list), ...Object.keys(asked)])].some((name) => list[name] !== asked[name])
  );
}

function withHeld(container: Container, status: ContainerStatus, wish: "asked" | "had"): Container {
  const { resources, allocatedResources } = status;
  if (resources === undefined || !differsFromSpec(container, status)) return container;
  const lists = [resources.requests, allocatedResources, ...(wish === "asked" ? [container.resources?.requests] : [])];
  const requests: Record<string, string> = {};
  for (const [name, amount] of lists.flatMap((list) => Object.entries(list ?? {}))) {
    const most = requests[name];
    if (most === undefined || compareQuantities(amount, most) > 0) requests[name] = amount;
  }
  return { ...container, resources: { ...container.resources, requests } };
}

const isPodLevel = (name: string) => name === "cpu" || name === "memory" || name.startsWith("hugepages-");

/** Neither it nor any of its containers asks for CPU or memory. */
export function isBestEffort(spec: PodSpec): boolean {
  const all = [spec, ...spec.containers ?? [], ...spec.initContainers ?? []];
  return !all.some(({ resources }) =>
    [resources?.requests, resources?.limits].some((list) =>
      [...amountsOf(list)].some(([name, { nano }]) => (name === "cpu" || name === "memory") && nano > 0n)
    )
  );
}
