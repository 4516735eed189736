/**
 * Pod Security Standards by the namespace's labels (k8s.io/pod-security-admission/admission): `enforce` refuses pods, `warn` tells who
 * writes them or what makes them, `audit` tells the audit log.
 */
import type { KubeObject } from "../../../lib/kind.ts";
import { podSecurityPodsMax } from "../../../lib/limits.ts";
import { invalid } from "../../../lib/status.ts";
import type { Container, Namespace, Pod, PodSpec } from "../../../lib/types/core_v1.ts";
import { forbidden } from "../forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "../plugin.ts";
import { detailOf, levels, type LevelVersion, policyOf, textOf, violations } from "./policy.ts";

/** Kinds that make pods from a template. */
const templates = new Set([
  "/replicationcontrollers",
  "/podtemplates",
  "apps/replicasets",
  "apps/deployments",
  "apps/statefulsets",
  "apps/daemonsets",
  "batch/jobs",
  "batch/cronjobs",
]);

interface Template {
  metadata?: { annotations?: Record<string, string> };
  spec?: PodSpec;
}

export const podSecurity: AdmissionPlugin = {
  name: "PodSecurity",
  async validate(attributes: Attributes, lookup: Lookup) {
    const { resource, operation, subresource, object } = attributes;
    if (object === undefined || (operation !== "CREATE" && operation !== "UPDATE")) return;
    const kind = `${resource.group}/${resource.plural}`;
    if (kind === "/namespaces") return subresource === undefined ? checkNamespace(attributes, lookup) : undefined;
    if (kind === "/pods") return await checkPod(attributes, lookup);
    if (subresource === undefined && templates.has(kind)) return await checkTemplate(attributes, lookup);
  },
};

async function labelsOf({ namespace }: Attributes, lookup: Lookup): Promise<Readonly<Record<string, string>>> {
  let found = lookup.get<Namespace & KubeObject>("namespaces", namespace!);
  if (found === undefined) {
    await lookup.fresh();
    found = lookup.get("namespaces", namespace!);
  }
  return found?.metadata.labels ?? {};
}

async function checkPod(attributes: Attributes, lookup: Lookup): Promise<void> {
  const { operation, subresource } = attributes;
  // Bindings, evictions and the status change nothing of what a pod may do.
  if (subresource !== undefined && subresource !== "ephemeralcontainers" && subresource !== "resize") return;
  const { policy } = policyOf(await labelsOf(attributes, lookup));
  attributes.annotate?.("pod-security.kubernetes.io/enforce-policy", textOf(policy.enforce));
  if (isPrivileged(policy.enforce, policy.warn, policy.audit)) return;
  const pod = attributes.object as unknown as Pod;
  if (operation === "UPDATE" && !isSignificant(pod, attributes.old as unknown as Pod)) return;
  const what = { annotations: pod.metadata.annotations, spec: pod.spec };
  tellAudit(attributes, policy.audit, what);
  const refused = violations(policy.enforce, what);
  if (refused.length > 0) {
    throw forbidden(attributes, `violates PodSecurity "${textOf(policy.enforce)}": ${detailOf(refused)}`);
  }
  warn(attributes, policy.warn, what);
}

async function checkTemplate(attributes: Attributes, lookup: Lookup): Promise<void> {
  const { policy } = policyOf(await labelsOf(attributes, lookup));
  if (isPrivileged(policy.warn, policy.audit)) return;
  const template = templateOf(attributes);
  if (template?.spec === undefined) return;
  const what = { annotations: template.metadata?.annotations, spec: template.spec };
  tellAudit(attributes, policy.audit, what);
  warn(attributes, policy.warn, what);
}

const isPrivileged = (...all: LevelVersion[]) => all.every(({ level }) => level === "privileged");

function tellAudit(attributes: Attributes, level: LevelVersion, what: Parameters<typeof violations>[1]): void {
  if (attributes.annotate === undefined) return;
  const found = violations(level, what);
  if (found.length === 0) return;
  const message = `would violate PodSecurity "${textOf(level)}": ${detailOf(found)}`;
  attributes.annotate("pod-security.kubernetes.io/audit-violations", message);
}

function templateOf({ resource, object }: Attributes): Template | undefined {
  const of = object as unknown as {
    template?: Template;
    spec?: { template?: Template; jobTemplate?: { spec?: { template?: Template } } };
  };
  if (resource.plural === "podtemplates") return of.template;
  return resource.plural === "cronjobs" ? of.spec?.jobTemplate?.spec?.template : of.spec?.template;
}

function warn(attributes: Attributes, level: LevelVersion, what: Parameters<typeof violations>[1]): void {
  const found = violations(level, what);
  if (found.length > 0) attributes.warn(`would violate PodSecurity "${textOf(level)}": ${detailOf(found)}`);
}

/** Of a pod little can be changed, and of that only this matters. */
function isSignificant({ spec, metadata }: Pod, old: Pod): boolean {
  const seccomp = (pod: Pick<Pod, "metadata">) =>
    Object.entries(pod.metadata.annotations ?? {}).filter(([key]) =>
      key.includes("seccomp.security.alpha.kubernetes.io")
    )
      .sort();
  if (JSON.stringify(seccomp({ metadata })) !== JSON.stringify(seccomp(old))) return true;
  const images = (list: readonly Pick<Container, "image">[] = []) => list.map(({ image }) => image).join("\n");
  if (images(spec.containers) !== images(old.spec.containers)) return true;
  if (images(spec.initContainers) !== images(old.spec.initContainers)) return true;
  const before = new Map((old.spec.ephemeralContainers ?? []).map(({ name, image }) => [name, image]));
  return (spec.ephemeralContainers ?? []).some(({ name, image }) => before.get(name) !== image);
}

function checkNamespace(attributes: Attributes, lookup: Lookup): void {
  const { object, old, name } = attributes;
  const now = policyOf(object!.metadata.labels);
  const before = old === undefined ? undefined : policyOf(old.metadata.labels);
  const known = new Set(before?.errors.map(({ message, field }) => field + message));
  const errors = now.errors.filter(({ message, field }) => !known.has(field + message));
  if (errors.length > 0) throw invalid(attributes.resource, object!.metadata.name, errors);
  if (before === undefined) return;
  const [enforce, was] = [now.policy.enforce, before.policy.enforce];
  const tighter = levels.indexOf(enforce.level) > levels.indexOf(was.level);
  if (textOf(enforce) === textOf(was) || (enforce.version === was.version && !tighter)) return;
  for (const warning of existing(lookup.list<Pod & KubeObject>("pods", name), name, enforce)) attributes.warn(warning);
}

/** What of the pods that are there the new level would not let in. */
function existing(pods: readonly Pod[], namespace: string, enforce: LevelVersion): string[] {
  if (enforce.level === "privileged") return [];
  const checked = pods.slice(0, podSecurityPodsMax);
  const names = new Map<string, string[]>();
  for (const { metadata, spec } of checked) {
    const reasons = violations(enforce, { annotations: metadata.annotations, spec }).map(({ reason }) => reason).join(
      ", ",
    );
    if (reasons !== "") names.set(reasons, [...names.get(reasons) ?? [], metadata.name]);
  }
  const told = [...names].map(([reasons, [first, ...others]]) => {
    const more = others.length === 0 ? "" : ` (and ${others.length} other pod${others.length === 1 ? "" : "s"})`;
    return `${first}${more}: ${reasons}`;
  }).sort();
  return [
    ...(checked.length === pods.length ? [] : [
      `new PodSecurity enforce level only checked against the first ${checked.length} of ${pods.length} existing pods`,
    ]),
    ...(told.length === 0 ? [] : [
      `existing pods in namespace ${JSON.stringify(namespace)} violate the new PodSecurity enforce level "${
        textOf(enforce)
      }"`,
    ]),
    ...told,
  ];
}
