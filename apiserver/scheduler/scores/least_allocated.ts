/** NodeResourcesFit, LeastAllocated: prefers Nodes with more CPU and memory left. */
import type { Score } from "../plugin.ts";

export const leastAllocated: Score = {
  name: "NodeResourcesFit",
  weight: 1,
  score(pod, nodes) {
    const points = new Float64Array(nodes.length);
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[i]!;
      const { cpu, memory } = node.allocatable;
      let sum = 0;
      let resources = 0;
      // A resource that the Node does not have is not counted.
      if (cpu > 0) {
        sum += free(node.scoredCpu + pod.scoredCpu, cpu);
        resources++;
      }
      if (memory > 0) {
        sum += free(node.scoredMemory + pod.scoredMemory, memory);
        resources++;
      }
      points[i] = resources === 0 ? 0 : Math.trunc(sum / resources);
    }
    return points;
  },
};

const free = (used: number, all: number) => used > all ? 0 : Math.trunc((all - used) * 100 / all);
