/** Containers: what those of all kinds have in common, and the three lists of them. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, EphemeralContainer, PodSpec } from "../../../../lib/types/core_v1.ts";
import { checkDNSLabel, checkPresent, checkRequiredEnum } from "./checks.ts";
import { defaultEnv, validateEnv, validateEnvFrom } from "./env.ts";
import { imageTag } from "./image_name.ts";
import { defaultLifecycle, validateLifecycle } from "./lifecycle.ts";
import { validateMounts, type Volumes } from "./mounts.ts";
import { defaultPorts, validateHostPortConflicts, validatePorts } from "./ports.ts";
import { defaultProbes, validateProbes } from "./probes.ts";
import { defaultRequirements, validateRequirements } from "./resources.ts";
import { validateContainerRestart, validateInitContainerRestart, validateResizePolicy } from "./restart.ts";
import { validateSecurityContext } from "./security_context.ts";
import { type AnyContainer, isSidecar } from "./visit.ts";

/** Where a container's log of its end is, unless it says otherwise. */
const terminationMessagePath = "/dev/termination-log";

export function defaultContainer(container: AnyContainer): void {
  container.imagePullPolicy ||= imageTag(container.image ?? "") === "latest" ? "Always" : "IfNotPresent";
  container.terminationMessagePath ||= terminationMessagePath;
  container.terminationMessagePolicy ||= "File";
  container.resources ??= {};
  defaultPorts(container.ports);
  defaultEnv(container.env);
  defaultRequirements(container.resources);
  defaultProbes(container);
  defaultLifecycle(container.lifecycle);
}

/** What of the pod its containers depend on. */
export interface PodContext {
  spec: PodSpec;
  /** The valid ones. */
  volumes: Volumes;
  /** Names of resource claims. */
  claims: ReadonlySet<string>;
}

function validateContainer(container: AnyContainer, context: PodContext, path: string): FieldError[] {
  const { spec, volumes, claims } = context;
  return [
    ...(container.name ? checkDNSLabel(container.name, `${path}.name`) : [fieldError.required(`${path}.name`)]),
    // Spaces around the name are refused in Pods only: templates may have had them forever.
    ...checkPresent(container.image, `${path}.image`),
    ...checkRequiredEnum(container.terminationMessagePolicy, `${path}.terminationMessagePolicy`, [
      "File",
      "FallbackToLogsOnError",
    ]),
    ...validatePorts(container.ports, `${path}.ports`),
    ...validateEnv(container.env, `${path}.env`),
    ...validateEnvFrom(container.envFrom, `${path}.envFrom`),
    ...validateMounts(container, volumes, path),
    ...checkRequiredEnum(container.imagePullPolicy, `${path}.imagePullPolicy`, ["Always", "IfNotPresent", "Never"]),
    ...validateRequirements(container.resources, { claims }, `${path}.resources`),
    ...validateResizePolicy(container.resizePolicy, spec.restartPolicy, `${path}.resizePolicy`),
    ...validateSecurityContext(
      container.securityContext,
      { hostUsers: spec.hostUsers ?? true },
      `${path}.securityContext`,
    ),
  ];
}

function validateRunning(container: Container, { spec }: PodContext, path: string): FieldError[] {
  const graceSeconds = spec.terminationGracePeriodSeconds;
  return [
    ...validateLifecycle(container.lifecycle, { graceSeconds, os: spec.os }, `${path}.lifecycle`),
    ...validateProbes(container, graceSeconds, path),
  ];
}

/** `path` is the spec's, as in all of these. */
export function validateContainers(context: PodContext, path: string): FieldError[] {
  const containers = context.spec.containers ?? [];
  const at = `${path}.containers`;
  if (containers.length === 0) return [fieldError.required(at)];
  const names = new Set<string>();
  const errors = containers.flatMap((container, i) => {
    const own = `${at}[${i}]`;
    return [
      ...validateContainer(container, context, own),
      ...uniqueName(container, names, own),
      ...validateRunning(container, context, own),
      ...validateContainerRestart(container, own),
    ];
  });
  return [...errors, ...validateHostPortConflicts(containers, at)];
}

/** Names are unique among these and the containers; ports only within each, as they run one after the other. */
export function validateInitContainers(context: PodContext, path: string): FieldError[] {
  const names = new Set((context.spec.containers ?? []).map((container) => container.name));
  return (context.spec.initContainers ?? []).flatMap((container, i) => {
    const at = `${path}.initContainers[${i}]`;
    return [
      ...validateContainer(container, context, at),
      ...validateInitContainerRestart(container, at),
      ...uniqueName(container, names, at),
      // Kubernetes looks at each as if it were the first.
      ...validateHostPortConflicts([container], `${path}.initContainers`),
      ...(isSidecar(container) ? validateRunning(container, context, at) : validateOnce(container, at)),
    ];
  });
}

/** What runs once, before the others, is neither probed nor stopped. */
function validateOnce(container: Container, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const) {
    if (container[field] === undefined) continue;
    const detail = "may not be set for init containers without restartPolicy=Always";
    errors.push(fieldError.forbidden(`${path}.${field}`, detail));
  }
  (container.resizePolicy ?? []).forEach(({ restartPolicy }, i) => {
    if (restartPolicy !== "RestartContainer") return;
    const detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
    errors.push(fieldError.invalid(`${path}.resizePolicy[${i}].restartPolicy`, restartPolicy, detail));
  });
  return errors;
}

function uniqueName({ name = "" }: AnyContainer, names: Set<string>, path: string): FieldError[] {
  if (names.has(name)) return [fieldError.duplicate(`${path}.name`, name)];
  names.add(name);
  return [];
}

/** Fields of which a debugging container has no use, in Kubernetes' order. */
const notEphemeral = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

export function validateEphemeralContainers(context: PodContext, path: string): FieldError[] {
  const others = [...context.spec.containers ?? [], ...context.spec.initContainers ?? []].map(({ name }) => name);
  const names = new Set(others);
  return (context.spec.ephemeralContainers ?? []).flatMap((container, i) => {
    const at = `${path}.ephemeralContainers[${i}]`;
    const { image = "", targetContainerName: target } = container;
    const errors = validateContainer(container, context, at);
    if (image.trim() !== image) {
      errors.push(fieldError.invalid(`${at}.image`, image, "must not have leading or trailing whitespace"));
    }
    errors.push(...uniqueName(container, names, at));
    if (target && !others.includes(target)) errors.push(fieldError.notFound(`${at}.targetContainerName`, target));
    return [...errors, ...validateAllowedFields(container, at)];
  });
}

function validateAllowedFields(container: EphemeralContainer, path: string): FieldError[] {
  const refuse = (field: string) =>
    fieldError.forbidden(`${path}.${field}`, "cannot be set for an Ephemeral Container");
  const isSet = (value: unknown) =>
    value !== undefined && (typeof value !== "object" || Object.keys(value as object).length > 0);
  // A pointer to nothing in particular is set; a list or a struct without anything in it is not.
  const pointers: readonly string[] = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];
  const fields = notEphemeral.filter((field) =>
    pointers.includes(field) ? container[field] !== undefined : isSet(container[field])
  );
  const mounts = (container.volumeMounts ?? []).flatMap(({ subPath, subPathExpr }, i) => [
    ...(subPath ? [refuse(`volumeMounts[${i}].subPath`)] : []),
    ...(subPathExpr ? [refuse(`volumeMounts[${i}].subPathExpr`)] : []),
  ]);
  return [...fields.map(refuse), ...mounts];
}
