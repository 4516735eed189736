/** What a Service needs, by its type (pkg/api/service). */
import type { Service } from "../../../../lib/types/core_v1.ts";

export const isHeadless = ({ spec: { clusterIPs } }: Service): boolean =>
  clusterIPs?.length === 1 && clusterIPs[0] === "None";

export const needsClusterIP = ({ spec }: Service): boolean => spec.type !== "ExternalName";

export const needsNodePorts = ({ spec }: Service): boolean => spec.type === "NodePort" || spec.type === "LoadBalancer";

/** A LoadBalancer may be content with what is given it (allocateLoadBalancerNodePorts: false). */
export const picksNodePorts = (service: Service): boolean =>
  needsNodePorts(service) && (service.spec.type === "NodePort" || service.spec.allocateLoadBalancerNodePorts !== false);

export const isExternallyAccessible = (service: Service): boolean =>
  needsNodePorts(service) || (service.spec.type === "ClusterIP" && (service.spec.externalIPs ?? []).length > 0);

export const needsHealthCheck = ({ spec }: Service): boolean =>
  spec.type === "LoadBalancer" && spec.externalTrafficPolicy === "Local";
