/** NodeResourcesFit: what the pod requests is left on the Node, and so is a place for one more pod. */
import type { NodeInfo } from "../node_info.ts";
import type { Filter, Refusal } from "../plugin.ts";
import type { PodInfo } from "../pod_info.ts";
import type { Resources } from "../resources.ts";

export const resourcesFit: Filter = {
  name: "NodeResourcesFit",
  prepare: ({ requests }) => {
    const { cpu, memory, ephemeral, extended } = requests;
    return (node) => {
      const has = node.allocatable;
      const fits = node.pods.size + 1 <= has.pods &&
        (cpu === 0 || cpu <= has.cpu - node.cpu) &&
        (memory === 0 || memory <= has.memory - node.memory) &&
        (ephemeral === 0 || ephemeral <= has.ephemeral - node.ephemeral) &&
        (extended === undefined || extendedFit(extended, node));
      return fits ? undefined : lacks(requests, node);
    };
  },
};

function extendedFit(extended: ReadonlyMap<string, number>, node: NodeInfo): boolean {
  for (const [name, wanted] of extended) {
    if (wanted > 0 && wanted > (node.allocatable.extended?.get(name) ?? 0) - (node.extended.get(name) ?? 0)) {
      return false;
    }
  }
  return true;
}

/** Which resources lack. Unresolvable when an empty Node would not have enough. */
function lacks({ cpu, memory, ephemeral, extended }: Resources, node: NodeInfo): Refusal {
  const has = node.allocatable;
  const reasons: string[] = [];
  let unresolvable = false;
  const check = (name: string, wanted: number, used: number, all: number) => {
    if (wanted === 0 || wanted <= all - used) return;
    reasons.push(`Insufficient ${name}`);
    if (wanted > all) unresolvable = true;
  };
  if (node.pods.size + 1 > has.pods) reasons.push("Too many pods");
  check("cpu", cpu, node.cpu, has.cpu);
  check("memory", memory, node.memory, has.memory);
  check("ephemeral-storage", ephemeral, node.ephemeral, has.ephemeral);
  for (const [name, wanted] of extended ?? []) {
    check(name, wanted, node.extended.get(name) ?? 0, has.extended?.get(name) ?? 0);
  }
  return { reasons, unresolvable };
}

/** Whether a change in what the Node has or runs could have made room for the pod. */
export function couldFit({ requests }: PodInfo, node: NodeInfo): boolean {
  const check = resourcesFit.prepare({ requests } as PodInfo, undefined as never, undefined as never);
  return typeof check === "function" && check(node) === undefined;
}
