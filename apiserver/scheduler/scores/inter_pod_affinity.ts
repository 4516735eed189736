/**
 * InterPodAffinity: prefers Nodes near pods that this one likes or that like it, away from those of which either says the opposite.
 * Required affinity of pods that are there counts with weight 1 (hardPodAffinityWeight).
 */
import { type Term, termMatches } from "../affinity_term.ts";
import { termTally } from "../filters/inter_pod_affinity.ts";
import type { Score } from "../plugin.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Tally } from "../tally.ts";

const hardAffinityWeight = 1;

export const interPodAffinityScore: Score = {
  name: "InterPodAffinity",
  weight: 2,
  score(pod, nodes, snapshot) {
    /** Topology key → value → points. */
    const domains = new Map<string, Map<string, number>>();
    for (const term of pod.terms.preferred) credit(domains, term, termTally(term, snapshot), term.weight);
    for (const { sample, tally } of snapshot.groups.values()) {
      for (const term of sample.terms.affinity) meet(domains, term, tally, hardAffinityWeight, pod, snapshot);
      for (const term of sample.terms.preferred) meet(domains, term, tally, term.weight, pod, snapshot);
    }
    if (domains.size === 0) return undefined;
    const points = new Float64Array(nodes.length);
    let min = Infinity;
    let max = -Infinity;
    nodes.forEach((node, i) => {
      for (const [key, values] of domains) {
        const value = node.labels[key];
        if (value !== undefined) points[i]! += values.get(value) ?? 0;
      }
      min = Math.min(min, points[i]!);
      max = Math.max(max, points[i]!);
    });
    for (let i = 0; i < points.length; i++) {
      points[i] = max === min ? 0 : Math.trunc(100 * (points[i]! - min) / (max - min));
    }
    return points;
  },
};

type Domains = Map<string, Map<string, number>>;

function meet(
  domains: Domains,
  term: Term,
  tally: Tally,
  weight: number,
  pod: Parameters<typeof termMatches>[1],
  snapshot: Snapshot,
): void {
  if (termMatches(term, pod, snapshot.namespaceLabels)) credit(domains, term, tally, weight);
}

function credit(domains: Domains, { topologyKey }: Term, tally: Tally, weight: number): void {
  const values = domains.get(topologyKey) ?? new Map<string, number>();
  for (const [value, count] of tally.inDomains(topologyKey)) {
    values.set(value, (values.get(value) ?? 0) + count * weight);
  }
  if (values.size > 0) domains.set(topologyKey, values);
}
