/** TaintToleration: NoSchedule and NoExecute taints keep away pods that don't tolerate them. */
import { untolerated } from "../../../lib/tolerations.ts";
import { type Filter, refusal } from "../plugin.ts";

const tainted = refusal("node(s) had untolerated taint(s)", { unresolvable: true });

export const taintToleration: Filter = {
  name: "TaintToleration",
  prepare(pod) {
    return (node) =>
      node.taints.length > 0 && untolerated(node.taints, pod.tolerations) !== undefined ? tainted : undefined;
  },
};
