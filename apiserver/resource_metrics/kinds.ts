/** The declarations of metrics.k8s.io/v1beta1's two kinds, with metrics-server's columns. */
import { addQuantities, formatQuantity } from "../../lib/quantity.ts";
import {
  type NodeMetrics,
  nodeMetricsKind,
  type PodMetrics,
  podMetricsKind,
  type ResourceUse,
} from "../../lib/resource_metrics.ts";
import { type Column, defineResource, type Resource } from "../rest/resource.ts";

type Measured = NodeMetrics | PodMetrics;

function columnsOf<T extends Measured>(useOf: (object: T, of: keyof ResourceUse) => string): Column<T>[] {
  return [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "Name of the resource",
      value: (o) => o.metadata.name,
    },
    { name: "cpu", type: "string", format: "quantity", value: (object) => useOf(object, "cpu") },
    { name: "memory", type: "string", format: "quantity", value: (object) => useOf(object, "memory") },
    { name: "Window", type: "string", format: "duration", value: ({ window }) => window },
  ];
}

const definitions = "io.k8s.metrics.pkg.apis.metrics.v1beta1";

export const nodeMetrics: Resource<NodeMetrics> = defineResource<NodeMetrics>(nodeMetricsKind, {
  definition: `${definitions}.NodeMetrics`,
  singular: "",
  verbs: ["get", "list"],
  columns: columnsOf(({ usage }, of) => usage[of]),
}, () => []);

export const podMetrics: Resource<PodMetrics> = defineResource<PodMetrics>(podMetricsKind, {
  definition: `${definitions}.PodMetrics`,
  singular: "",
  verbs: ["get", "list"],
  columns: columnsOf(({ containers }, of) =>
    containers.map(({ usage }) => usage[of]).reduce((sum, one) => formatQuantity(addQuantities(sum, one)), "0")
  ),
}, () => []);
