/** Where pods want to be, and beside whom. */
import { validateLabelSelector } from "../../../../lib/selector/mod.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Affinity, NodeAffinity, PodAffinity, PodAffinityTerm } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Label } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkQualifiedName } from "./checks.ts";
import { validateMatchLabelKeys } from "./match_label_keys.ts";
import { validateNodeSelector, validatePreferredTerms, validateWeight } from "./node_selector.ts";

export function validateAffinity(affinity: Affinity | undefined, path: string): FieldError[] {
  if (affinity === undefined) return [];
  return [
    ...validateNodeAffinity(affinity.nodeAffinity, `${path}.nodeAffinity`),
    ...validatePodAffinity(affinity.podAffinity, `${path}.podAffinity`),
    ...validatePodAffinity(affinity.podAntiAffinity, `${path}.podAntiAffinity`),
  ];
}

const required = "requiredDuringSchedulingIgnoredDuringExecution";
const preferred = "preferredDuringSchedulingIgnoredDuringExecution";

function validateNodeAffinity(affinity: NodeAffinity | undefined, path: string): FieldError[] {
  if (affinity === undefined) return [];
  const selector = affinity[required];
  return [
    ...(selector === undefined ? [] : validateNodeSelector(selector, `${path}.${required}`)),
    ...validatePreferredTerms(affinity[preferred], `${path}.${preferred}`),
  ];
}

function validatePodAffinity(affinity: PodAffinity | undefined, path: string): FieldError[] {
  const terms = (affinity?.[required] ?? []).flatMap((term, i) => validateTerm(term, `${path}.${required}[${i}]`));
  const weighted = (affinity?.[preferred] ?? []).flatMap(({ weight, podAffinityTerm }, i) => {
    const at = `${path}.${preferred}[${i}]`;
    return [...validateWeight(weight, `${at}.weight`), ...validateTerm(podAffinityTerm ?? {}, `${at}.podAffinityTerm`)];
  });
  return [...terms, ...weighted];
}

function validateTerm(term: Partial<PodAffinityTerm>, path: string): FieldError[] {
  const topologyKey = term.topologyKey ?? "";
  const errors = [
    ...validateLabelSelector(term.labelSelector, `${path}.labelSelector`),
    ...validateLabelSelector(term.namespaceSelector, `${path}.namespaceSelector`),
    // The path has no index and no plural in Kubernetes.
    ...(term.namespaces ?? []).flatMap((name) => invalids(`${path}.namespace`, name, isDNS1123Label(name))),
    ...validateMatchLabelKeys(term, path),
  ];
  if (topologyKey === "") errors.push(fieldError.required(`${path}.topologyKey`, "can not be empty"));
  return [...errors, ...checkQualifiedName(topologyKey, `${path}.topologyKey`)];
}
