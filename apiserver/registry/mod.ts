/**
 * Every kind that is served, by group; groups in the order in which Kubernetes names them, and of a group's versions the preferred one
 * first. Some are acted on by what users bring along (Ingress, CSIDriver …), as in Kubernetes.
 */
import type { Resource, StandIn } from "../rest/resource.ts";
import { controllerRevision } from "./apps/controller_revision.ts";
import { daemonSet } from "./apps/daemon_set.ts";
import { deployment } from "./apps/deployment.ts";
import { replicaSet } from "./apps/replica_set.ts";
import { statefulSet } from "./apps/stateful_set.ts";
import { horizontalPodAutoscaler } from "./autoscaling/horizontal_pod_autoscaler.ts";
import { horizontalPodAutoscalerV1 } from "./autoscaling/horizontal_pod_autoscaler_v1.ts";
import { cronJob } from "./batch/cron_job.ts";
import { job } from "./batch/job.ts";
import { certificateSigningRequest } from "./certificates/certificate_signing_request.ts";
import { lease } from "./coordination/lease.ts";
import { binding } from "./core/binding.ts";
import { configMap } from "./core/config_map.ts";
import { endpoints } from "./core/endpoints.ts";
import { event } from "./core/event.ts";
import { limitRange } from "./core/limit_range.ts";
import { namespace } from "./core/namespace.ts";
import { node } from "./core/node.ts";
import { persistentVolume } from "./core/persistent_volume.ts";
import { persistentVolumeClaim } from "./core/persistent_volume_claim.ts";
import { pod } from "./core/pod.ts";
import { podTemplate } from "./core/pod_template_resource.ts";
import { replicationController } from "./core/replication_controller.ts";
import { resourceQuota } from "./core/resource_quota.ts";
import { secret } from "./core/secret.ts";
import { service } from "./core/service.ts";
import { serviceAccount } from "./core/service_account.ts";
import { endpointSlice } from "./discovery/endpoint_slice.ts";
import { event as newEvent } from "./events/event.ts";
import { flowSchema } from "./flowcontrol/flow_schema.ts";
import { priorityLevelConfiguration } from "./flowcontrol/priority_level_configuration.ts";
import { ingress } from "./networking/ingress.ts";
import { ingressClass } from "./networking/ingress_class.ts";
import { ipAddress } from "./networking/ip_address.ts";
import { networkPolicy } from "./networking/network_policy.ts";
import { serviceCidr } from "./networking/service_cidr.ts";
import { runtimeClass } from "./node/runtime_class.ts";
import { podDisruptionBudget } from "./policy/pod_disruption_budget.ts";
import { clusterRole } from "./rbac/cluster_role.ts";
import { clusterRoleBinding } from "./rbac/cluster_role_binding.ts";
import { role } from "./rbac/role.ts";
import { roleBinding } from "./rbac/role_binding.ts";
import { priorityClass } from "./scheduling/priority_class.ts";
import { csiDriver } from "./storage/csi_driver.ts";
import { csiNode } from "./storage/csi_node.ts";
import { csiStorageCapacity } from "./storage/csi_storage_capacity.ts";
import { storageClass } from "./storage/storage_class.ts";
import { volumeAttachment } from "./storage/volume_attachment.ts";
import { volumeAttributesClass } from "./storage/volume_attributes_class.ts";

const declared = [
  // core
  configMap,
  endpoints,
  event,
  limitRange,
  namespace,
  node,
  persistentVolume,
  persistentVolumeClaim,
  pod,
  podTemplate,
  replicationController,
  resourceQuota,
  secret,
  service,
  serviceAccount,
  // apps
  controllerRevision,
  daemonSet,
  deployment,
  replicaSet,
  statefulSet,
  // the other groups
  newEvent,
  horizontalPodAutoscaler,
  horizontalPodAutoscalerV1,
  cronJob,
  job,
  certificateSigningRequest,
  ingress,
  ingressClass,
  ipAddress,
  networkPolicy,
  serviceCidr,
  podDisruptionBudget,
  clusterRole,
  clusterRoleBinding,
  role,
  roleBinding,
  csiDriver,
  csiNode,
  csiStorageCapacity,
  storageClass,
  volumeAttachment,
  volumeAttributesClass,
  priorityClass,
  lease,
  runtimeClass,
  endpointSlice,
  flowSchema,
  priorityLevelConfiguration,
];

/** Kinds that are posted and stored nowhere, besides those that authentication and authorisation answer. */
export const standIns: readonly StandIn[] = [binding];

export const resources = declared as unknown as readonly Resource[];
