/** What a pod asks for as a whole (k8s.io/component-helpers/resource, PodRequests and PodLimits). Pure. */
import type { Quantity } from "../quantity.ts";
import type { Container, PodSpec } from "../types/core_v1.ts";
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
