/** The columns of Nodes (printNode). */
import type { Node, NodeSystemInfo } from "../../../../lib/types/core_v1.ts";
import type { Column } from "../../../rest/resource.ts";
import { ageColumn, nameColumn } from "../../meta/columns.ts";

const rolePrefix = "node-role.kubernetes.io/";
const roleLabel = "kubernetes.io/role";

function statusOf({ spec, status }: Node): string {
  const ready = status?.conditions?.findLast(({ type }) => type === "Ready");
  const text = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
  return spec?.unschedulable ? `${text},SchedulingDisabled` : text;
}

/** What the labels `node-role.kubernetes.io/<role>` and `kubernetes.io/role=<role>` say. */
function rolesOf({ metadata }: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(metadata.labels ?? {})) {
    if (key.startsWith(rolePrefix)) roles.add(key.slice(rolePrefix.length));
    else if (key === roleLabel) roles.add(value);
  }
  roles.delete("");
  return [...roles].sort().join(",") || "<none>";
}

function addressColumn(name: string, type: string): Column<Node> {
  const value = ({ status }: Node) => status?.addresses?.find((a) => a.type === type)?.address ?? "<none>";
  return { name, type: "string", priority: 1, value };
}

function infoColumn(name: string, field: "osImage" | "kernelVersion" | "containerRuntimeVersion"): Column<Node> {
  return { name, type: "string", priority: 1, value: (node) => infoOf(node)[field] || "<unknown>" };
}

function infoOf({ status }: Node): Partial<NodeSystemInfo> {
  return status?.nodeInfo ?? {};
}

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  { name: "Status", type: "string", value: statusOf },
  { name: "Roles", type: "string", value: rolesOf },
  ageColumn,
  { name: "Version", type: "string", value: (node) => infoOf(node).kubeletVersion ?? "" },
  addressColumn("Internal-IP", "InternalIP"),
  addressColumn("External-IP", "ExternalIP"),
  infoColumn("OS-Image", "osImage"),
  infoColumn("Kernel-Version", "kernelVersion"),
  infoColumn("Container-Runtime", "containerRuntimeVersion"),
];
