/** The columns of `kubectl get pods` (pkg/printers/internalversion). */
import type { Pod } from "../../../../lib/types/core_v1.ts";
import type { Column } from "../../../rest/resource.ts";
import { ageColumn, nameColumn } from "../../meta/columns.ts";
import { restartsText, summarize } from "./summary.ts";

const none = "<none>";

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  {
    name: "Ready",
    type: "string",
    value(pod) {
      const { ready, total } = summarize(pod);
      return `${ready}/${total}`;
    },
  },
  { name: "Status", type: "string", value: (pod) => summarize(pod).status },
  { name: "Restarts", type: "string", value: (pod, now) => restartsText(summarize(pod), now) },
  ageColumn,
  { name: "IP", type: "string", priority: 1, value: (pod) => pod.status.podIPs?.[0]?.ip || none },
  { name: "Node", type: "string", priority: 1, value: (pod) => pod.spec.nodeName || none },
  { name: "Nominated Node", type: "string", priority: 1, value: (pod) => pod.status.nominatedNodeName || none },
  { name: "Readiness Gates", type: "string", priority: 1, value: readinessGates },
];

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return none;
  const met = gates.filter(({ conditionType }) =>
    status.conditions?.find((condition) => condition.type === conditionType)?.status === "True"
  );
  return `${met.length}/${gates.length}`;
}
