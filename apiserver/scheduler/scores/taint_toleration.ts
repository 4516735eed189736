/** TaintToleration: prefers Nodes with fewer PreferNoSchedule taints that the pod does not tolerate. */
import { tolerates } from "../../../lib/tolerations.ts";
import { normalize, type Score } from "../plugin.ts";

export const taintTolerationScore: Score = {
  name: "TaintToleration",
  weight: 3,
  score(pod, nodes) {
    if (nodes.every((node) => node.softTaints.length === 0)) return undefined;
    const points = new Float64Array(nodes.length);
    nodes.forEach((node, i) => {
      points[i] = node.softTaints.filter((taint) =>
        !pod.tolerations.some((toleration) => tolerates(toleration, taint))
      ).length;
    });
    return normalize(points, { reverse: true });
  },
};
