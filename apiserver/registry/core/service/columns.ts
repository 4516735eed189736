/** The columns of Services (printService). */
import type { Service } from "../../../../lib/types/core_v1.ts";
import type { Column } from "../../../rest/resource.ts";
import { ageColumn, nameColumn } from "../../meta/columns.ts";
import { formatLabels } from "../../meta/format.ts";

function externalIP({ spec, status }: Service): string {
  const externalIPs = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return externalIPs.join(",") || "<none>";
    case "LoadBalancer": {
      const balanced = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "");
      const own = [...new Set(balanced)].filter((text) => text !== "").sort();
      return [...own, ...externalIPs].join(",") || "<pending>";
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

/** `80:30080/TCP,443/TCP`. */
function portsText({ spec: { ports = [] } }: Service): string {
  const text = ({ port, nodePort, protocol }: typeof ports[number]) =>
    nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
  return ports.map(text).join(",") || "<none>";
}

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: "Type", type: "string", value: ({ spec }) => spec.type ?? "" },
  { name: "Cluster-IP", type: "string", value: ({ spec }) => spec.clusterIPs?.[0] ?? "<none>" },
  { name: "External-IP", type: "string", value: externalIP },
  { name: "Port(s)", type: "string", value: portsText },
  ageColumn,
  { name: "Selector", type: "string", priority: 1, value: ({ spec }) => formatLabels(spec.selector) },
];
