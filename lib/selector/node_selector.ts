/** Node selectors and node affinity terms, compiled once per pod (k8s.io/component-helpers/scheduling/corev1/nodeaffinity). Pure. */
import type { NodeSelectorRequirement, NodeSelectorTerm, Pod } from "../types/core_v1.ts";

/** What is matched: a Node's labels and its name. */
export interface Matched {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export type NodeMatcher = (node: Matched) => boolean;

type Test = (value: string | undefined) => boolean;

function compile({ operator, values = [] }: NodeSelectorRequirement): Test {
  switch (operator) {
    case "In": {
      const set = new Set(values);
      return (value) => value !== undefined && set.has(value);
    }
    case "NotIn": {
      const set = new Set(values);
      return (value) => value === undefined || !set.has(value);
    }
    case "Exists":
      return (value) => value !== undefined;
    case "DoesNotExist":
      return (value) => value === undefined;
    case "Gt":
    case "Lt": {
      const bound = whole(values[0]);
      return (value) => {
        const number = whole(value);
        if (number === undefined || bound === undefined) return false;
        return operator === "Gt" ? number > bound : number < bound;
      };
    }
    default:
      return () => false;
  }
}

function whole(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[-+]?[0-9]{1,19}$/.test(text) ? BigInt(text.replace("+", "")) : undefined;
}

/** All requirements must hold. A term without any matches nothing. */
export function compileTerm({ matchExpressions = [], matchFields = [] }: NodeSelectorTerm): NodeMatcher {
  if (matchExpressions.length + matchFields.length === 0) return () => false;
  const labels = matchExpressions.map((requirement) => [requirement.key, compile(requirement)] as const);
  // metadata.name is the only field there is.
  const fields = matchFields.map((requirement) => [requirement.key, compile(requirement)] as const);
  return (node) =>
    labels.every(([key, test]) => test(Object.hasOwn(node.labels, key) ? node.labels[key] : undefined)) &&
    fields.every(([key, test]) => key === "metadata.name" && test(node.name));
}

/** What the pod requires of its Node; `undefined`: nothing. */
export function requiredNode(pod: Pod): NodeMatcher | undefined {
  const selector = Object.entries(pod.spec.nodeSelector ?? {});
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (selector.length === 0 && terms === undefined) return undefined;
  const compiled = terms?.map(compileTerm);
  return (node) =>
    selector.every(([key, value]) => Object.hasOwn(node.labels, key) && node.labels[key] === value) &&
    (compiled === undefined || compiled.some((term) => term(node)));
}

/** The only Nodes that can match, when every term names them (as DaemonSets do); `undefined` when any might. */
export function namedNodes(pod: Pod): ReadonlySet<string> | undefined {
  const terms = pod.spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
  if (terms === undefined || terms.length === 0) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of terms) {
    const lists = matchFields.filter(({ key, operator }) => key === "metadata.name" && operator === "In");
    if (lists.length === 0) return undefined;
    const [first, ...others] = lists.map(({ values = [] }) => values);
    for (const name of first!) if (others.every((list) => list.includes(name))) names.add(name);
  }
  return names;
}

export interface Preference {
  weight: number;
  matches: NodeMatcher;
}

/** What the pod would like of its Node. */
export function preferredNodes(pod: Pod): Preference[] {
  const preferred = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  return preferred.filter(({ weight }) => weight !== 0).map(({ weight, preference }) => ({
    weight,
    matches: compileTerm(preference),
  }));
}
