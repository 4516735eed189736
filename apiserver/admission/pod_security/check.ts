/** What a check of the Pod Security Standards is, and how it says no (k8s.io/pod-security-admission/policy). Pure. */
import type { Container, PodSpec } from "../../../lib/types/core_v1.ts";

export interface CheckedPod {
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: PodSpec;
  /** Minor version of Kubernetes whose rules are asked for. */
  readonly minor: number;
}

export interface Violation {
  readonly reason: string;
  readonly detail: string;
}

export interface Check {
  /** They are told in the order of their ids. */
  readonly id: string;
  /** The first minor version that has it. */
  readonly since?: number;
  /** Checks of the level below that this one makes needless. */
  readonly overrides?: readonly string[];
  check(pod: CheckedPod): Violation | undefined;
}

/** All of the pod's containers, in the order in which they are told. */
export function containersOf(spec: PodSpec): Container[] {
  const ephemeral = (spec.ephemeralContainers ?? []) as unknown as Container[];
  return [...spec.initContainers ?? [], ...spec.containers ?? [], ...ephemeral];
}

export const quoted = (list: Iterable<string>): string => [...list].map((one) => JSON.stringify(one)).join(", ");
export const sorted = (list: Iterable<string>): string[] => [...new Set(list)].sort();
export const plural = (one: string, several: string, list: readonly unknown[]): string =>
  list.length === 1 ? one : several;

/** `container "a"`, `containers "a", "b"` */
export const named = (containers: readonly Container[]): string =>
  `${plural("container", "containers", containers)} ${quoted(containers.map(({ name }) => name))}`;

/** Who set something wrong: the pod, containers, or both. */
export function setters(pod: boolean, containers: readonly Container[], more: readonly string[] = []): string[] {
  return [...(pod ? ["pod"] : []), ...(containers.length === 0 ? [] : [named(containers)]), ...more];
}

export const isWindows = ({ spec }: CheckedPod): boolean => spec.os?.name === "windows";
