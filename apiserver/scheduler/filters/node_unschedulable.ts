/** NodeUnschedulable: cordoned Nodes take only pods that tolerate the cordon. */
import { tolerates } from "../../../lib/tolerations.ts";
import { type Filter, refusal } from "../plugin.ts";

const cordoned = refusal("node(s) were unschedulable", { unresolvable: true });
const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

export const nodeUnschedulable: Filter = {
  name: "NodeUnschedulable",
  prepare(pod) {
    if (pod.tolerations.some((toleration) => tolerates(toleration, taint))) return undefined;
    return (node) => node.unschedulable ? cordoned : undefined;
  },
};
