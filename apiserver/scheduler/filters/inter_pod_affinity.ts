/** InterPodAffinity: required affinity and anti-affinity of the pod, and required anti-affinity of the pods that are there. */
import { type Term, termMatches } from "../affinity_term.ts";
import type { NodeInfo } from "../node_info.ts";
import { type Check, type Filter, refusal } from "../plugin.ts";
import type { PodInfo } from "../pod_info.ts";
import { onlyNamespace, type Snapshot } from "../snapshot.ts";

const noAffinity = refusal("node(s) didn't match pod affinity rules", { unresolvable: true });
const antiAffinity = refusal("node(s) didn't match pod anti-affinity rules");
const theirAntiAffinity = refusal("node(s) didn't satisfy existing pods anti-affinity rules");

export const interPodAffinity: Filter = {
  name: "InterPodAffinity",
  prepare(pod, snapshot) {
    const checks = [affinity(pod, snapshot), anti(pod, snapshot), theirs(pod, snapshot)].filter((check) =>
      check !== undefined
    );
    if (checks.length === 0) return undefined;
    return (node) => {
      for (const check of checks) {
        const refused = check(node);
        if (refused !== undefined) return refused;
      }
      return undefined;
    };
  },
};

/** Every term must be met, in the Node's domain, by pods that all of the terms mean. */
function affinity(pod: PodInfo, snapshot: Snapshot): Check | undefined {
  const { affinity: terms } = pod.terms;
  if (terms.length === 0) return undefined;
  const means = (other: PodInfo) => terms.every((term) => termMatches(term, other, snapshot.namespaceLabels));
  const tally = snapshot.tally(`affinity\n${terms.map(({ id }) => id).join("\n\n")}`, onlyNamespace(terms), means);
  const domains = terms.map(({ topologyKey }) => [topologyKey, tally.inDomains(topologyKey)] as const);
  // The first of a group that wants to be together has nobody to join: it may go anywhere that has the keys.
  const isFirst = domains.every(([, counts]) => counts.size === 0) && means(pod);
  return (node) => {
    let missing = false;
    for (const [key, counts] of domains) {
      const value = node.labels[key];
      if (value === undefined) return noAffinity;
      if ((counts.get(value) ?? 0) <= 0) missing = true;
    }
    return missing && !isFirst ? noAffinity : undefined;
  };
}

function anti(pod: PodInfo, snapshot: Snapshot): Check | undefined {
  const { antiAffinity: terms } = pod.terms;
  if (terms.length === 0) return undefined;
  return inDomains(
    terms.map((term) => [term.topologyKey, termTally(term, snapshot).inDomains(term.topologyKey)]),
    antiAffinity,
  );
}

function theirs(pod: PodInfo, snapshot: Snapshot): Check | undefined {
  const found: [string, ReadonlyMap<string, number>][] = [];
  for (const { sample, tally } of snapshot.groups.values()) {
    for (const term of sample.terms.antiAffinity) {
      if (termMatches(term, pod, snapshot.namespaceLabels)) {
        found.push([term.topologyKey, tally.inDomains(term.topologyKey)]);
      }
    }
  }
  return found.length === 0 ? undefined : inDomains(found, theirAntiAffinity);
}

/** Refuses Nodes in whose domains there is a pod. */
function inDomains(
  domains: readonly (readonly [string, ReadonlyMap<string, number>])[],
  refused: typeof antiAffinity,
): Check {
  return (node: NodeInfo) => {
    for (const [key, counts] of domains) {
      const value = node.labels[key];
      if (value !== undefined && (counts.get(value) ?? 0) > 0) return refused;
    }
    return undefined;
  };
}

/** Pods that one term means. */
export function termTally(term: Term, snapshot: Snapshot) {
  const matches = (other: PodInfo) => termMatches(term, other, snapshot.namespaceLabels);
  // The domain is no part of which pods are meant, but it is of the id; terms that differ in it only are counted twice.
  return snapshot.tally(`term\n${term.id}`, onlyNamespace([term]), matches);
}
