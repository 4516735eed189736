/**
 * Optional scalars of which the zero value (0, false, "") says something else than absence: in Kubernetes' Go types
 * they are pointers. All other optional scalars are plain Go fields, always written in protobuf and dropped in JSON
 * when zero; so a zero that comes out of a protobuf body is kept only when its field is listed here.
 */

const pointers: Readonly<Record<string, string>> = {
  // meta/v1
  ObjectMeta: "deletionGracePeriodSeconds",
  OwnerReference: "controller blockOwnerDeletion",
  DeleteOptions:
    "gracePeriodSeconds orphanDependents propagationPolicy ignoreStoreReadErrorWithClusterBreakingPotential",
  Preconditions: "uid resourceVersion",
  ListMeta: "remainingItemCount",
  ListOptions: "timeoutSeconds sendInitialEvents",
  PatchOptions: "force",
  // core/v1
  Container: "restartPolicy",
  EphemeralContainerCommon: "restartPolicy",
  EphemeralContainer: "restartPolicy",
  SecurityContext:
    "privileged runAsUser runAsGroup runAsNonRoot readOnlyRootFilesystem allowPrivilegeEscalation procMount",
  PodSecurityContext:
    "runAsUser runAsGroup runAsNonRoot fsGroup fsGroupChangePolicy supplementalGroupsPolicy seLinuxChangePolicy",
  WindowsSecurityContextOptions: "gmsaCredentialSpecName gmsaCredentialSpec runAsUserName hostProcess",
  SeccompProfile: "localhostProfile",
  AppArmorProfile: "localhostProfile",
  PodSpec:
    "terminationGracePeriodSeconds activeDeadlineSeconds automountServiceAccountToken shareProcessNamespace priority runtimeClassName enableServiceLinks preemptionPolicy setHostnameAsFQDN hostUsers hostnameOverride",
  Probe: "terminationGracePeriodSeconds",
  GRPCAction: "service",
  Lifecycle: "stopSignal",
  ConfigMapKeySelector: "optional",
  SecretKeySelector: "optional",
  FileKeySelector: "optional",
  ConfigMapEnvSource: "optional",
  SecretEnvSource: "optional",
  ConfigMapProjection: "optional",
  SecretProjection: "optional",
  ConfigMapVolumeSource: "defaultMode optional",
  SecretVolumeSource: "defaultMode optional",
  ProjectedVolumeSource: "defaultMode",
  DownwardAPIVolumeSource: "defaultMode",
  DownwardAPIVolumeFile: "mode",
  KeyToPath: "mode",
  ServiceAccountTokenProjection: "expirationSeconds",
  ClusterTrustBundleProjection: "name signerName optional",
  PodCertificateProjection: "maxExpirationSeconds",
  HostPathVolumeSource: "type",
  CSIVolumeSource: "readOnly fsType",
  LocalVolumeSource: "fsType",
  AzureDiskVolumeSource: "cachingMode fsType readOnly kind",
  AzureFilePersistentVolumeSource: "secretNamespace",
  FCVolumeSource: "lun",
  ISCSIVolumeSource: "initiatorName",
  ISCSIPersistentVolumeSource: "initiatorName",
  VolumeMount: "mountPropagation recursiveReadOnly",
  VolumeMountStatus: "recursiveReadOnly",
  PersistentVolumeSpec: "volumeMode volumeAttributesClassName",
  PersistentVolumeClaimSpec: "storageClassName volumeMode volumeAttributesClassName",
  PersistentVolumeClaimStatus: "currentVolumeAttributesClassName",
  TypedLocalObjectReference: "apiGroup",
  TypedObjectReference: "apiGroup namespace",
  Toleration: "tolerationSeconds",
  TopologySpreadConstraint: "minDomains nodeAffinityPolicy nodeTaintsPolicy",
  PodDNSConfigOption: "value",
  ServiceAccount: "automountServiceAccountToken",
  ServiceSpec:
    "allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy ipFamilyPolicy trafficDistribution",
  ServicePort: "appProtocol",
  ClientIPConfig: "timeoutSeconds",
  LoadBalancerIngress: "ipMode",
  PortStatus: "error",
  EndpointAddress: "nodeName",
  ReplicationControllerSpec: "replicas",
  Secret: "immutable",
  ConfigMap: "immutable",
  ContainerStatus: "started stopSignal",
  PodStatus: "observedGeneration",
  PodResourceClaim: "resourceClaimName resourceClaimTemplateName",
  PodResourceClaimStatus: "resourceClaimName",
  NodeRuntimeHandlerFeatures: "recursiveReadOnlyMounts userNamespaces",
  NodeFeatures: "supplementalGroupsPolicy",
  LinuxContainerUser: "uid gid",
  // apps/v1
  DeploymentSpec: "replicas revisionHistoryLimit progressDeadlineSeconds",
  DeploymentStatus: "collisionCount terminatingReplicas",
  ReplicaSetSpec: "replicas",
  ReplicaSetStatus: "terminatingReplicas",
  StatefulSetSpec: "replicas revisionHistoryLimit",
  StatefulSetStatus: "collisionCount",
  RollingUpdateStatefulSetStrategy: "partition maxUnavailable",
  RollingUpdateDeployment: "maxUnavailable maxSurge",
  RollingUpdateDaemonSet: "maxUnavailable maxSurge",
  DaemonSetSpec: "revisionHistoryLimit",
  DaemonSetStatus: "collisionCount",
  // batch/v1
  JobSpec:
    "parallelism completions activeDeadlineSeconds backoffLimit backoffLimitPerIndex maxFailedIndexes manualSelector ttlSecondsAfterFinished completionMode suspend podReplacementPolicy managedBy",
  JobStatus: "terminating ready failedIndexes",
  CronJobSpec: "timeZone startingDeadlineSeconds suspend successfulJobsHistoryLimit failedJobsHistoryLimit",
  PodFailurePolicyOnExitCodesRequirement: "containerName",
  SuccessPolicyRule: "succeededIndexes succeededCount",
  // autoscaling
  HorizontalPodAutoscalerSpec: "minReplicas targetCPUUtilizationPercentage",
  HorizontalPodAutoscalerStatus: "observedGeneration currentCPUUtilizationPercentage",
  HPAScalingRules: "stabilizationWindowSeconds selectPolicy",
  MetricTarget: "averageUtilization",
  MetricValueStatus: "averageUtilization",
  ResourceMetricSource: "targetAverageUtilization",
  ResourceMetricStatus: "currentAverageUtilization",
  ContainerResourceMetricSource: "targetAverageUtilization",
  ContainerResourceMetricStatus: "currentAverageUtilization",
  // policy, scheduling, coordination, discovery, networking
  PodDisruptionBudgetSpec: "minAvailable maxUnavailable unhealthyPodEvictionPolicy",
  PriorityClass: "preemptionPolicy",
  LeaseSpec: "holderIdentity leaseDurationSeconds leaseTransitions strategy preferredHolder",
  Endpoint: "hostname nodeName zone",
  EndpointConditions: "ready serving terminating",
  EndpointPort: "name protocol port appProtocol",
  NetworkPolicyPort: "protocol port endPort",
  IngressSpec: "ingressClassName",
  HTTPIngressPath: "pathType",
  IngressClassParametersReference: "apiGroup scope namespace",
  IngressPortStatus: "error",
  // storage, node, certificates, authentication
  StorageClass: "reclaimPolicy allowVolumeExpansion volumeBindingMode",
  CSIDriverSpec:
    "attachRequired podInfoOnMount fsGroupPolicy storageCapacity requiresRepublish seLinuxMount nodeAllocatableUpdatePeriodSeconds serviceAccountTokenInSecrets preventPodSchedulingIfMissing",
  VolumeNodeResources: "count",
  VolumeAttachmentSource: "persistentVolumeName",
  VolumeError: "errorCode",
  CertificateSigningRequestSpec: "expirationSeconds",
  TokenRequestSpec: "expirationSeconds",
  // admissionregistration
  ValidatingWebhook: "failurePolicy matchPolicy sideEffects timeoutSeconds",
  MutatingWebhook: "failurePolicy matchPolicy sideEffects timeoutSeconds reinvocationPolicy",
  WebhookClientConfig: "url",
  ServiceReference: "path port",
  Rule: "scope",
  MatchResources: "matchPolicy",
  ParamRef: "parameterNotFoundAction",
  ValidatingAdmissionPolicySpec: "failurePolicy",
  MutatingAdmissionPolicySpec: "failurePolicy",
  Validation: "reason",
  AdmissionRequest: "dryRun",
  AdmissionResponse: "patchType",
  // flowcontrol
  LimitedPriorityLevelConfiguration: "nominalConcurrencyShares lendablePercent borrowingLimitPercent",
  ExemptPriorityLevelConfiguration: "nominalConcurrencyShares lendablePercent",
  // apiextensions
  JSONSchemaProps:
    "maximum minimum maxLength minLength maxItems minItems multipleOf maxProperties minProperties x-kubernetes-preserve-unknown-fields x-kubernetes-list-type x-kubernetes-map-type $ref",
  CustomResourceDefinitionVersion: "deprecationWarning",
  CustomResourceSubresourceScale: "labelSelectorPath",
  ValidationRule: "reason optionalOldSelf",
  // resource
  DeviceAttribute: "int bool string version",
  Device: "nodeName allNodes bindsToNode allowMultipleAllocations",
  ResourceSliceSpec: "nodeName allNodes perDeviceNodeSelection",
  DeviceToleration: "tolerationSeconds",
  DeviceConstraint: "matchAttribute distinctAttribute",
  DeviceRequestAllocationResult: "adminAccess shareID",
  ExactDeviceRequest: "adminAccess",
  DeviceClassSpec: "extendedResourceName",
  AllocatedDeviceStatus: "shareID",
};

const sets = new Map(Object.entries(pointers).map(([name, fields]) => [name, new Set(fields.split(" "))]));

/** Whether zero in this optional scalar is a value of its own. `definition` is the Go name of its type. */
export function isPointer(definition: string, field: string): boolean {
  return sets.get(definition)?.has(field) === true;
}
