/** Terms of pod affinity, compiled once per pod: which other pods are meant, and in which domain. */
import { matchesLabels, type Selector, selectorFrom, selectorString } from "../../lib/selector/labels.ts";
import type { Pod, PodAffinityTerm, WeightedPodAffinityTerm } from "../../lib/types/core_v1.ts";

export interface Term {
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly namespaces: ReadonlySet<string>;
  /** Namespaces by their labels; `undefined`: none but the named. */
  readonly namespaceSelector: Selector | undefined;
  /** 1 for a required term. Negative for anti-affinity that is preferred. */
  readonly weight: number;
  /** Equal for terms that mean the same pods and domain. */
  readonly id: string;
}

/** Labels of a namespace, for terms with a namespaceSelector. */
export type NamespaceLabels = (namespace: string) => Readonly<Record<string, string>> | undefined;

export interface PodIdentity {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

export function termMatches(term: Term, pod: PodIdentity, namespaceLabels: NamespaceLabels): boolean {
  const inNamespace = term.namespaces.has(pod.namespace) ||
    (term.namespaceSelector !== undefined &&
      matchesLabels(term.namespaceSelector, namespaceLabels(pod.namespace) ?? {}));
  return inNamespace && matchesLabels(term.selector, pod.labels);
}

function compile(pod: Pod, term: PodAffinityTerm, weight: number): Term {
  const selector = withLabelKeys(pod, term);
  const named = term.namespaces ?? [];
  // Neither names nor a selector: the pod's own namespace.
  const namespaces = new Set(
    named.length === 0 && term.namespaceSelector === undefined ? [pod.metadata.namespace] : named,
  );
  const namespaceSelector = term.namespaceSelector === undefined ? undefined : selectorFrom(term.namespaceSelector);
  const id = [
    term.topologyKey,
    selector.nothing ? "nothing" : selectorString(selector),
    [...namespaces].sort().join(","),
    namespaceSelector === undefined ? "-" : `{${selectorString(namespaceSelector)}}`,
  ].join("\n");
  return { topologyKey: term.topologyKey, selector, namespaces, namespaceSelector, weight, id };
}

/** matchLabelKeys and mismatchLabelKeys add the pod's own values. (The API server merges them in too; twice is the same.) */
function withLabelKeys(
  pod: Pod,
  { labelSelector, matchLabelKeys = [], mismatchLabelKeys = [] }: PodAffinityTerm,
): Selector {
  const selector = selectorFrom(labelSelector);
  const labels = pod.metadata.labels ?? {};
  const extra = [
    ...matchLabelKeys.map((key) => ({ key, operator: "in" as const })),
    ...mismatchLabelKeys.map((key) => ({ key, operator: "notin" as const })),
  ].filter(({ key }) => labels[key] !== undefined).map(({ key, operator }) => ({
    key,
    operator,
    values: [labels[key]!],
  }));
  if (extra.length === 0 || selector.nothing) return selector;
  return { requirements: [...selector.requirements, ...extra] };
}

export interface PodAffinityTerms {
  /** Required. */
  affinity: readonly Term[];
  antiAffinity: readonly Term[];
  /** Preferred, anti-affinity with a negative weight. */
  preferred: readonly Term[];
}

const none: PodAffinityTerms = { affinity: [], antiAffinity: [], preferred: [] };

export function affinityTerms(pod: Pod): PodAffinityTerms {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (podAffinity === undefined && podAntiAffinity === undefined) return none;
  const required = (terms: PodAffinityTerm[] | undefined) => (terms ?? []).map((term) => compile(pod, term, 1));
  const preferred = (terms: WeightedPodAffinityTerm[] | undefined, sign: number) =>
    (terms ?? []).map(({ weight, podAffinityTerm }) => compile(pod, podAffinityTerm, sign * weight));
  return {
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferred: [
      ...preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution, 1),
      ...preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution, -1),
    ],
  };
}
