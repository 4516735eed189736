/** The kinds of metrics.k8s.io (k8s.io/metrics/pkg/apis/metrics/v1beta1), which Kubernetes' own definitions leave out: upstream they are an add-on's. */
import type { RawDefinition, RawField } from "./amendments.ts";

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
const metrics = "io.k8s.metrics.pkg.apis.metrics.v1beta1";
const usage = (tag: number): RawField => ({ type: "map", values: { type: "quantity" }, required: true, tag });
const typeMeta: Record<string, RawField> = { apiVersion: { type: "string" }, kind: { type: "string" } };
const measured: Record<string, RawField> = {
  ...typeMeta,
  metadata: { ref: `${meta}.ObjectMeta`, tag: 1 },
  timestamp: { type: "time", required: true, tag: 2 },
  window: { type: "duration", required: true, tag: 3 },
};
const list = (items: string): RawDefinition => ({
  root: true,
  fields: {
    ...typeMeta,
    metadata: { ref: `${meta}.ListMeta`, tag: 1 },
    items: { type: "array", items: { ref: items }, required: true, tag: 2 },
  },
});

export const metricsDefinitions: Readonly<Record<string, RawDefinition>> = {
  [`${metrics}.NodeMetrics`]: { root: true, namespaced: false, fields: { ...measured, usage: usage(4) } },
  [`${metrics}.NodeMetricsList`]: list(`${metrics}.NodeMetrics`),
  [`${metrics}.PodMetrics`]: {
    root: true,
    namespaced: true,
    fields: {
      ...measured,
      containers: {
        type: "array",
        items: { ref: `${metrics}.ContainerMetrics` },
        required: true,
        tag: 4,
        listType: "atomic",
      },
    },
  },
  [`${metrics}.PodMetricsList`]: list(`${metrics}.PodMetrics`),
  [`${metrics}.ContainerMetrics`]: { fields: { name: { type: "string", required: true, tag: 1 }, usage: usage(2) } },
};
