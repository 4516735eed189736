/** NodeAffinity: prefers Nodes that meet more of the pod's preferred terms. */
import { normalize, type Score } from "../plugin.ts";

export const nodeAffinityScore: Score = {
  name: "NodeAffinity",
  weight: 2,
  score({ preferredNodes }, nodes) {
    if (preferredNodes.length === 0) return undefined;
    const points = new Float64Array(nodes.length);
    nodes.forEach((node, i) => {
      for (const { weight, matches } of preferredNodes) if (matches(node)) points[i]! += weight;
    });
    return normalize(points);
  },
};
