/** NodeResourcesBalancedAllocation: prefers Nodes whose CPU and memory are used to the same degree. */
import type { Score } from "../plugin.ts";

export const balancedAllocation: Score = {
  name: "NodeResourcesBalancedAllocation",
  weight: 1,
  score(pod, nodes) {
    const { cpu, memory } = pod.requests;
    // A pod that requests nothing upsets no balance.
    if (cpu === 0 && memory === 0) return undefined;
    const points = new Float64Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const has = node.allocatable;
      const cpuShare = has.cpu === 0 ? 0 : Math.min(1, (node.cpu + cpu) / has.cpu);
      const memoryShare = has.memory === 0 ? 0 : Math.min(1, (node.memory + memory) / has.memory);
      // The standard deviation of two values is half of their distance; of one there is none.
      const deviation = has.cpu === 0 || has.memory === 0 ? 0 : Math.abs(cpuShare - memoryShare) / 2;
      points[i] = Math.trunc((1 - deviation) * 100);
    }
    return points;
  },
};
