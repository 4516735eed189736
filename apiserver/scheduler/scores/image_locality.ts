/** ImageLocality: prefers Nodes that have the pod's images, large ones that are not everywhere anyway. */
import type { Score } from "../plugin.ts";

const mb = 1024 * 1024;
/** Below this nothing is gained; above the second, times the containers, nothing more. */
const minBytes = 23 * mb;
const maxContainerBytes = 1000 * mb;

export const imageLocality: Score = {
  name: "ImageLocality",
  weight: 1,
  score(pod, nodes, snapshot) {
    const known = pod.images.filter((image) => (snapshot.imageNodes.get(image) ?? 0) > 0);
    if (known.length === 0) return undefined;
    // An image that few Nodes have counts less, or all pods would go where the first one went.
    const shares = known.map((image) => snapshot.imageNodes.get(image)! / snapshot.nodes.length);
    const maxBytes = maxContainerBytes * pod.images.length;
    const points = new Float64Array(nodes.length);
    nodes.forEach((node, i) => {
      let sum = 0;
      known.forEach((image, at) => sum += Math.trunc((node.images.get(image) ?? 0) * shares[at]!));
      const bounded = Math.min(maxBytes, Math.max(minBytes, sum));
      points[i] = Math.trunc(100 * (bounded - minBytes) / (maxBytes - minBytes));
    });
    return points;
  },
};
