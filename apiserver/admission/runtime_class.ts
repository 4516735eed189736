/**
 * A pod with a RuntimeClass costs what that says beyond its containers, and goes where it says (plugin/pkg/admission/runtimeclass). Who sets
 * an overhead without one is refused. Whether a node has the handler is the agent's to say.
 */
import { deepEqual } from "../../lib/patch/equal.ts";
import { compareQuantities } from "../../lib/quantity.ts";
import type { Pod, Toleration } from "../../lib/types/core_v1.ts";
import type { RuntimeClass } from "../../lib/types/node_v1.ts";
import { forbidden, isPod } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const storage = "node.k8s.io/runtimeclasses";
type Amounts = Readonly<Record<string, string>>;

export const runtimeClass: AdmissionPlugin = {
  name: "RuntimeClass",
  async mutate(attributes: Attributes, lookup: Lookup) {
    const spec = newSpec(attributes);
    if (spec === undefined) return;
    const found = await classOf(attributes, spec, lookup);
    if (found?.overhead !== undefined) setOverhead(attributes, spec, found.overhead.podFixed ?? {});
    if (found?.scheduling === undefined) return;
    const { nodeSelector, tolerations } = found.scheduling;
    setNodeSelector(attributes, spec, nodeSelector ?? {});
    if (tolerations !== undefined) spec.tolerations = mergedTolerations(spec.tolerations ?? [], tolerations);
  },
  async validate(attributes: Attributes, lookup: Lookup) {
    const spec = newSpec(attributes);
    if (spec === undefined) return;
    const found = await classOf(attributes, spec, lookup);
    if (found?.overhead !== undefined) {
      if (!equalAmounts(found.overhead.podFixed ?? {}, spec.overhead ?? {})) throw differs(attributes);
    } else if (spec.overhead !== undefined) {
      const why = "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead";
      throw forbidden(attributes, why);
    }
  },
};

function newSpec(attributes: Attributes): Pod["spec"] | undefined {
  if (!isPod(attributes) || attributes.operation !== "CREATE") return undefined;
  return (attributes.object as unknown as Pod).spec;
}

async function classOf(attributes: Attributes, spec: Pod["spec"], lookup: Lookup): Promise<RuntimeClass | undefined> {
  const name = spec.runtimeClassName;
  if (name === undefined) return undefined;
  const known = lookup.get<RuntimeClass>(storage, name);
  if (known !== undefined) return known;
  // The cache may be behind.
  await lookup.fresh();
  const found = lookup.get<RuntimeClass>(storage, name);
  if (found === undefined) throw forbidden(attributes, `pod rejected: RuntimeClass ${JSON.stringify(name)} not found`);
  return found;
}

const differs = (attributes: Attributes) =>
  forbidden(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");

function setOverhead(attributes: Attributes, spec: Pod["spec"], overhead: Amounts): void {
  if (Object.keys(spec.overhead ?? {}).length > 0 && !equalAmounts(overhead, spec.overhead!)) throw differs(attributes);
  spec.overhead = { ...overhead };
}

function equalAmounts(a: Amounts, b: Amounts): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && compareQuantities(a[name]!, b[name]!) === 0);
}

function setNodeSelector(attributes: Attributes, spec: Pod["spec"], selector: Amounts): void {
  if (Object.keys(selector).length === 0) return;
  const own = spec.nodeSelector ?? {};
  for (const [key, value] of Object.entries(selector)) {
    if (!Object.hasOwn(own, key) || own[key] === value) continue;
    const why = `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; ` +
      `pod.spec.nodeSelector[${key}] = ${own[key]}`;
    throw forbidden(attributes, why);
  }
  spec.nodeSelector = { ...own, ...selector };
}

/** All of both, without those that another covers; of equal ones the first. */
function mergedTolerations(first: readonly Toleration[], second: readonly Toleration[]): Toleration[] {
  const all = [...first, ...second];
  const merged: Toleration[] = [];
  all.forEach((toleration, i) => {
    const covered = merged.some((kept) => covers(kept, toleration)) ||
      all.slice(i + 1).some((later) => !deepEqual(later, toleration) && covers(later, toleration));
    if (!covered) merged.push(toleration);
  });
  return merged;
}

/** Whatever `inner` tolerates, `outer` does (pkg/util/tolerations, isSuperset). */
function covers(outer: Toleration, inner: Toleration): boolean {
  if (deepEqual(outer, inner)) return true;
  const operator = outer.operator || "Equal";
  // No key with Exists is every key.
  if ((inner.key ?? "") !== (outer.key ?? "") && (outer.key || operator !== "Exists")) return false;
  if (outer.effect && inner.effect !== outer.effect) return false;
  if (outer.effect === "NoExecute" && outer.tolerationSeconds !== undefined) {
    if (inner.tolerationSeconds === undefined || inner.tolerationSeconds > outer.tolerationSeconds) return false;
  }
  if (operator === "Exists") return true;
  return operator === "Equal" && (inner.operator || "Equal") === "Equal" && (inner.value ?? "") === (outer.value ?? "");
}
