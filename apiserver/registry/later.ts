/** Kinds that are declared and not served: what acts on them is not there yet. They move to mod.ts with it. */
import type { Resource } from "../rest/resource.ts";
import { horizontalPodAutoscaler } from "./autoscaling/horizontal_pod_autoscaler.ts";
import { horizontalPodAutoscalerV1 } from "./autoscaling/horizontal_pod_autoscaler_v1.ts";
import { ingress } from "./networking/ingress.ts";
import { ingressClass } from "./networking/ingress_class.ts";
import { ipAddress } from "./networking/ip_address.ts";
import { networkPolicy } from "./networking/network_policy.ts";
import { serviceCidr } from "./networking/service_cidr.ts";
import { runtimeClass } from "./node/runtime_class.ts";
import { csiDriver } from "./storage/csi_driver.ts";
import { csiNode } from "./storage/csi_node.ts";
import { csiStorageCapacity } from "./storage/csi_storage_capacity.ts";
import { volumeAttributesClass } from "./storage/volume_attributes_class.ts";

const declared = [
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  ingress,
  ingressClass,
  ipAddress,
  networkPolicy,
  serviceCidr,
  runtimeClass,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  volumeAttributesClass,
];

export const laterResources = declared as unknown as readonly Resource[];
