/**
 * How containers of pods are named and labelled in the engine. All that the agent must know again after a restart is here:
 * whose container it is, which attempt, in which sandbox, and how long to wait before the next attempt.
 */
import type { Pod, ResourceRequirements } from "../../lib/types/core_v1.ts";

/** What `io.kubernetes.container.name` says on the infra container that holds a pod's namespaces. */
export const sandboxName = "POD";

export const labelNames = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  container: "io.kubernetes.container.name",
  cluster: "dev.sauropod.cluster",
  /** Two agents of one cluster may share an engine (tests): each keeps to its own. */
  node: "dev.sauropod.node",
  /** Counts from 0; for a container this is its restart count. */
  attempt: "dev.sauropod.attempt",
  /** The attempt of the sandbox whose namespaces the container joined. */
  sandbox: "dev.sauropod.sandbox",
  /** How long after its end the next attempt has to wait, ms. */
  restartDelay: "dev.sauropod.restart-delay-ms",
  /** Of the parts of the container's spec whose change replaces it. */
  hash: "dev.sauropod.hash",
  /** JSON of what it was created with: what it has may have been changed since. */
  resources: "dev.sauropod.resources",
} as const;

/** Whose containers an agent looks at. */
export interface Owner {
  readonly cluster: string;
  readonly node: string;
}

export function ownerLabels(owner: Owner): Record<string, string> {
  return { [labelNames.cluster]: owner.cluster, [labelNames.node]: owner.node };
}

export interface ContainerIdentity {
  readonly container: string;
  readonly attempt: number;
  readonly sandboxAttempt: number;
  readonly restartDelayMs: number;
  readonly hash: string;
  /** Absent on sandboxes, and on containers of agents that did not resize. */
  readonly resources?: ResourceRequirements;
}

export function containerLabels(pod: Pod, owner: Owner, identity: ContainerIdentity): Record<string, string> {
  return {
    ...ownerLabels(owner),
    [labelNames.podName]: pod.metadata.name,
    [labelNames.podNamespace]: pod.metadata.namespace,
    [labelNames.podUid]: pod.metadata.uid,
    [labelNames.container]: identity.container,
    [labelNames.attempt]: String(identity.attempt),
    [labelNames.sandbox]: String(identity.sandboxAttempt),
    [labelNames.restartDelay]: String(identity.restartDelayMs),
    [labelNames.hash]: identity.hash,
    ...(identity.resources === undefined ? {} : { [labelNames.resources]: JSON.stringify(identity.resources) }),
  };
}

const count = (text: string | undefined) => {
  const value = Number(text ?? "0");
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
};

/** The inverse of containerLabels(); undefined for a container that is not a pod's. */
export function identityOf(
  labels: Readonly<Record<string, string>>,
): ContainerIdentity & { podUid: string; podName: string; podNamespace: string } | undefined {
  const podUid = labels[labelNames.podUid];
  const container = labels[labelNames.container];
  if (podUid === undefined || container === undefined) return undefined;
  return {
    podUid,
    container,
    podName: labels[labelNames.podName] ?? "",
    podNamespace: labels[labelNames.podNamespace] ?? "",
    attempt: count(labels[labelNames.attempt]),
    sandboxAttempt: count(labels[labelNames.sandbox]),
    restartDelayMs: count(labels[labelNames.restartDelay]),
    hash: labels[labelNames.hash] ?? "",
    ...resourcesOf(labels[labelNames.resources]),
  };
}

function resourcesOf(text: string | undefined): Pick<ContainerIdentity, "resources"> {
  if (text === undefined) return {};
  try {
    const resources: unknown = JSON.parse(text);
    return typeof resources === "object" && resources !== null ? { resources } : {};
  } catch (error) {
    // Not as an agent writes it: the container is taken for one that was made without.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** As dockershim named them. The uid makes it unique; the pod's name is cut because engines' names have limits. */
export function containerName(pod: Pod, container: string, attempt: number): string {
  const { name, namespace, uid } = pod.metadata;
  return `k8s_${container}_${name.slice(0, 63)}_${namespace}_${uid}_${attempt}`;
}

/** `name_namespace(uid)`: how Kubernetes' messages name a pod. */
export function podLabel(pod: Pod): string {
  const { name, namespace, uid } = pod.metadata;
  return `${name}_${namespace}(${uid})`;
}
