/** A pod's priority is what its PriorityClass says; the pod may only name the class. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { PriorityClass } from "../../lib/types/scheduling_v1.ts";
import { forbidden, isPod } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const storage = "scheduling.k8s.io/priorityclasses";

interface Found {
  name: string;
  value: number;
  preemptionPolicy: NonNullable<Pod["spec"]["preemptionPolicy"]>;
}

/** They are there whether or not PriorityClasses are served. */
const builtIn: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2_000_000_000,
  "system-node-critical": 2_000_001_000,
};

const none: Found = { name: "", value: 0, preemptionPolicy: "PreemptLowerPriority" };

export const priority: AdmissionPlugin = {
  name: "Priority",
  async mutate(attributes: Attributes, lookup: Lookup) {
    if (!isPod(attributes) || attributes.object === undefined) return;
    const { spec } = attributes.object as unknown as Pod;
    if (spec === undefined) return;
    if (attributes.operation === "UPDATE") return keep(spec, (attributes.old as unknown as Pod).spec);
    const found = await classFor(attributes, lookup, spec.priorityClassName ?? "");
    if (found.name !== "") spec.priorityClassName = found.name;
    if (spec.priority !== undefined && spec.priority !== found.value) {
      const why = `the integer value of priority (${spec.priority}) must not be provided in pod spec; ` +
        `priority admission controller computed ${found.value} from the given PriorityClass name`;
      throw forbidden(attributes, why);
    }
    spec.priority = found.value;
    if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== found.preemptionPolicy) {
      const why = `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; ` +
        `priority admission controller computed ${found.preemptionPolicy} from the given PriorityClass name`;
      throw forbidden(attributes, why);
    }
    spec.preemptionPolicy = found.preemptionPolicy;
  },
};

/** An update that leaves out what this plugin set at the pod's creation does not mean to change it. */
function keep(spec: Pod["spec"], old: Pod["spec"]): void {
  spec.priority ??= old.priority;
  spec.preemptionPolicy ??= old.preemptionPolicy;
}

async function classFor(attributes: Attributes, lookup: Lookup, name: string): Promise<Found> {
  if (name === "") return defaultClass(lookup);
  if (Object.hasOwn(builtIn, name)) return { ...none, name, value: builtIn[name]! };
  let found = lookup.get<PriorityClass & KubeObject>(storage, name);
  if (found === undefined) {
    await lookup.fresh();
    found = lookup.get(storage, name);
  }
  if (found === undefined) throw forbidden(attributes, `no PriorityClass with name ${name} was found`);
  return described(found);
}

/** Of several that claim to be it, the one that asks for least. */
function defaultClass(lookup: Lookup): Found {
  const defaults = lookup.list<PriorityClass & KubeObject>(storage).filter((c) => c.globalDefault);
  const least = defaults.sort((a, b) => (a.value ?? 0) - (b.value ?? 0))[0];
  return least === undefined ? none : described(least);
}

function described({ metadata, value, preemptionPolicy }: PriorityClass): Found {
  return { name: metadata.name, value: value ?? 0, preemptionPolicy: preemptionPolicy ?? none.preemptionPolicy };
}
