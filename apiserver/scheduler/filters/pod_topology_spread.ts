/** PodTopologySpread: with DoNotSchedule, no domain gets more than maxSkew pods ahead of the emptiest. */
import type { NodeInfo } from "../node_info.ts";
import { type Filter, refusal } from "../plugin.ts";
import { type Constraint, constraintsOf, countsByDomain } from "../spread.ts";

const skewed = refusal("node(s) didn't match pod topology spread constraints");
const unlabelled = refusal("node(s) didn't match pod topology spread constraints (missing required label)", {
  unresolvable: true,
});

export const podTopologySpread: Filter = {
  name: "PodTopologySpread",
  prepare(pod, snapshot) {
    const hard = constraintsOf(pod, "DoNotSchedule");
    if (hard.length === 0) return undefined;
    const states = hard.map((constraint) => {
      const counts = countsByDomain(constraint, hard, pod, snapshot);
      return { constraint, counts, least: least(constraint, counts) };
    });
    return (node: NodeInfo) => {
      for (const { constraint, counts, least } of states) {
        const value = node.labels[constraint.topologyKey];
        if (value === undefined) return unlabelled;
        const skew = (counts.get(value) ?? 0) + (constraint.matchesSelf ? 1 : 0) - least;
        if (skew > constraint.maxSkew) return skewed;
      }
      return undefined;
    };
  },
};

/** The fewest pods in a domain; with fewer than minDomains of them there is always an empty one to come. */
function least({ minDomains }: Constraint, counts: ReadonlyMap<string, number>): number {
  if (counts.size < minDomains || counts.size === 0) return 0;
  return Math.min(...counts.values());
}
