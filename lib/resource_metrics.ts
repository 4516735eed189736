/** metrics.k8s.io/v1beta1, what `kubectl top` and the autoscaler read: its objects, and how they are addressed. */
import type { Kind } from "./kind.ts";
import type { ListMeta, NamespacedMeta, ObjectMeta } from "./types/meta_v1.ts";

/** `{ cpu: "137402n", memory: "12Ki" }` */
export interface ResourceUse {
  cpu: string;
  memory: string;
}

export interface NodeMetrics {
  apiVersion: "metrics.k8s.io/v1beta1";
  kind: "NodeMetrics";
  metadata: ObjectMeta;
  /** When it was measured: the end of the window. */
  timestamp: string;
  /** Go's form: `15.03s`. */
  window: string;
  usage: ResourceUse;
}

export interface ContainerMetrics {
  name: string;
  usage: ResourceUse;
}

export interface PodMetrics {
  apiVersion: "metrics.k8s.io/v1beta1";
  kind: "PodMetrics";
  metadata: NamespacedMeta;
  timestamp: string;
  window: string;
  containers: ContainerMetrics[];
}

export interface PodMetricsList {
  metadata: ListMeta;
  items: PodMetrics[];
}

const group = { group: "metrics.k8s.io", version: "v1beta1" } as const;

export const nodeMetricsKind: Kind<NodeMetrics> = { ...group, kind: "NodeMetrics", plural: "nodes", namespaced: false };
export const podMetricsKind: Kind<PodMetrics> = { ...group, kind: "PodMetrics", plural: "pods", namespaced: true };
