/**
 * The pod spec: defaults and validation, one file per noun, in Kubernetes' order (pkg/apis/core/v1/defaults.go and
 * pkg/apis/core/validation, 1.36). What is valid in Kubernetes is accepted here; what an agent can't run it refuses
 * itself. Leaves out updates, which are the Pod's, and that existing objects may keep what new ones may not have.
 */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import { validateLabels } from "../../../../lib/selector/mod.ts";
import { inclusiveRangeError, isDNS1123Subdomain } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { roundResources } from "../../meta/resource_list.ts";
import { validateAffinity } from "./affinity.ts";
import { checkRequiredEnum } from "./checks.ts";
import {
  defaultContainer,
  validateContainers,
  validateEphemeralContainers,
  validateInitContainers,
} from "./containers.ts";
import {
  validateDNSConfig,
  validateDNSPolicy,
  validateHostAliases,
  validateHostname,
  validateHostnameOverride,
} from "./dns.ts";
import { validateFileKeyRefVolumes } from "./env.ts";
import { validateReadinessGates, validateSchedulingGates, validateSchedulingGroup } from "./gates.ts";
import { validateHostUsers } from "./host_users.ts";
import { validateOS } from "./os.ts";
import { defaultPodResources, validatePodResources } from "./pod_resources.ts";
import { defaultHostPorts, validateHostNetworkPorts } from "./ports.ts";
import { validateResourceClaims } from "./resource_claims.ts";
import { defaultRequestsFromLimits, defaultRequirements, validateRequirements } from "./resources.ts";
import { validateRestartPolicy } from "./restart.ts";
import { validatePodSecurityContext } from "./security_context.ts";
import { validateTolerations } from "./tolerations.ts";
import { validateTopologySpread } from "./topology_spread.ts";
import { visitContainers } from "./visit.ts";
import { defaultVolume, validateVolumes } from "./volumes.ts";
import { validateHostProcess } from "./windows_options.ts";

/** Sets what is absent to its default, in place. Of Pods and templates alike. Idempotent. */
export function defaultPodSpec(spec: PodSpec): void {
  spec.containers ??= [];
  spec.dnsPolicy ||= "ClusterFirst";
  spec.restartPolicy ||= "Always";
  spec.securityContext ??= {};
  spec.terminationGracePeriodSeconds ??= 30;
  spec.schedulerName ||= "default-scheduler";
  // An old name of the same field: both are shown, the new one counts.
  const serviceAccount = spec.serviceAccountName || spec.serviceAccount;
  if (serviceAccount) spec.serviceAccountName = spec.serviceAccount = serviceAccount;
  spec.volumes?.forEach(defaultVolume);
  for (const [container] of visitContainers(spec, "")) defaultContainer(container);
  defaultRequirements(spec.resources);
  roundResources(spec.overhead);
}

/**
 * What a Pod gets besides (SetDefaults_Pod): requests from limits, host ports, service links. Templates stay as they
 * are, so that a new default changes no Deployment's template. After defaultPodSpec(). Idempotent.
 */
export function defaultSpecOfPod(spec: PodSpec): void {
  for (const container of [...spec.containers ?? [], ...spec.initContainers ?? []]) {
    defaultRequestsFromLimits(container.resources);
  }
  defaultPodResources(spec);
  spec.enableServiceLinks ??= true;
  if (!spec.hostNetwork) return;
  defaultHostPorts(spec.containers);
  defaultHostPorts(spec.initContainers);
}

/** Of the pod; a template gives its own, without a name. */
export interface PodMeta {
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/**
 * All errors of a spec at `path`, `spec.template.spec` (ValidatePodSpec). The one at `spec` is a Pod's own: it has a
 * name, and its host ports have been given.
 */
export function validatePodSpec(spec: PodSpec, path: string, meta: PodMeta): FieldError[] {
  const isPod = path === "spec";
  const volumes = validateVolumes(spec.volumes, isPod ? meta.name : undefined, `${path}.volumes`);
  const claims = new Set((spec.resourceClaims ?? []).map(({ name }) => name ?? "").filter((name) => name !== ""));
  const context = { spec, volumes: volumes.valid, claims };
  const grace = `${path}.terminationGracePeriodSeconds`;
  return [
    ...(spec.terminationGracePeriodSeconds === undefined ? [fieldError.required(grace)] : []),
    ...volumes.errors,
    ...validateResourceClaims(spec.resourceClaims, `${path}.resourceClaims`),
    ...validateContainers(context, path),
    ...validateInitContainers(context, path),
    ...validateEphemeralContainers(context, path),
    ...validatePodResources(spec, claims, path),
    ...validateHostNetworkPorts(spec, path, { isPod }),
    ...validateRestartPolicy(spec.restartPolicy, `${path}.restartPolicy`),
    ...validateDNSPolicy(spec.dnsPolicy, `${path}.dnsPolicy`),
    ...validateLabels(spec.nodeSelector, `${path}.nodeSelector`),
    ...validatePodSecurityContext(spec, `${path}.securityContext`),
    ...validateAffinity(spec.affinity, `${path}.affinity`),
    ...validateDNSConfig(spec, `${path}.dnsConfig`),
    ...validateReadinessGates(spec.readinessGates, `${path}.readinessGates`),
    ...validateSchedulingGates(spec.schedulingGates, `${path}.schedulingGates`),
    ...validateTopologySpread(spec.topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...validateHostProcess(spec, path),
    ...validateHostUsers(spec, path),
    ...validateHostnameOverride(spec, path),
    ...validateNames(spec, path),
    ...validateRest(spec, path),
    ...validateFileKeyRefVolumes(spec, path),
  ];
}

/** Names of other objects, and of the pod itself. */
function validateNames(spec: PodSpec, path: string): FieldError[] {
  const name = (field: "serviceAccountName" | "nodeName", value = spec[field]) =>
    value ? invalids(`${path}.${field}`, value, isDNS1123Subdomain(value)) : [];
  const seconds = spec.activeDeadlineSeconds;
  const inRange = seconds === undefined || (seconds >= 1 && seconds <= 2147483647);
  return [
    ...name("serviceAccountName"),
    ...name("nodeName"),
    ...(inRange
      ? []
      : [fieldError.invalid(`${path}.activeDeadlineSeconds`, seconds, inclusiveRangeError(1, 2147483647))]),
    ...validateHostname(spec, path),
  ];
}

function validateRest(spec: PodSpec, path: string): FieldError[] {
  const { priorityClassName, runtimeClassName, preemptionPolicy, overhead } = spec;
  const none: ReadonlySet<string> = new Set();
  return [
    ...validateTolerations(spec.tolerations, `${path}.tolerations`),
    ...validateHostAliases(spec.hostAliases, `${path}.hostAliases`),
    ...(priorityClassName
      ? invalids(`${path}.priorityClassName`, priorityClassName, isDNS1123Subdomain(priorityClassName))
      : []),
    ...(runtimeClassName === undefined
      ? []
      : invalids(`${path}.runtimeClassName`, runtimeClassName, isDNS1123Subdomain(runtimeClassName))),
    ...(preemptionPolicy === undefined
      ? []
      : checkRequiredEnum(preemptionPolicy, `${path}.preemptionPolicy`, ["PreemptLowerPriority", "Never"])),
    ...(overhead === undefined ? [] : validateRequirements({ limits: overhead }, { claims: none }, `${path}.overhead`)),
    ...validateOS(spec, path),
    ...validateSchedulingGroup(spec.schedulingGroup, `${path}.schedulingGroup`),
  ];
}
