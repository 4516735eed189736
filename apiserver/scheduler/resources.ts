/** What pods ask for and what Nodes have, as numbers (k8s.io/component-helpers/resource). Pure. */
import { quantitiesRememberedMax } from "../../lib/limits.ts";
import { bytes, milli } from "../../lib/quantity.ts";
import { heldSpec } from "../../lib/quota/pod_resources.ts";
import type { Container, Pod, PodSpec } from "../../lib/types/core_v1.ts";

/** Milli-CPUs, bytes, bytes; whole units of anything else. */
export interface Resources {
  cpu: number;
  memory: number;
  ephemeral: number;
  /** Extended resources and huge pages. */
  extended: ReadonlyMap<string, number> | undefined;
}

type Amounts = Map<string, number>;
type Quantities = Record<string, string> | undefined;

const remembered = new Map<string, number>();

function amount(name: string, text: string): number {
  const key = name === "cpu" ? `cpu ${text}` : text;
  const known = remembered.get(key);
  if (known !== undefined) return known;
  if (remembered.size >= quantitiesRememberedMax) remembered.clear();
  const value = name === "cpu" ? milli(text) : bytes(text);
  remembered.set(key, value);
  return value;
}

function add(to: Amounts, quantities: Quantities): void {
  for (const name in quantities) to.set(name, (to.get(name) ?? 0) + amount(name, quantities[name]!));
}

function raise(to: Amounts, other: ReadonlyMap<string, number>): void {
  for (const [name, value] of other) if (value > (to.get(name) ?? 0)) to.set(name, value);
}

/** Resources that a pod without requests is counted with when nodes are scored, so that such pods spread, too. */
const assumedCpu = 100;
const assumedMemory = 200 * 1024 * 1024;

/** The sum of what runs at the same time at most: containers and sidecars, or an init container and the sidecars before it. */
function total(spec: PodSpec, requestsOf: (container: Container) => Quantities): Amounts {
  const sum: Amounts = new Map();
  for (const container of spec.containers) add(sum, requestsOf(container));
  const sidecars: Amounts = new Map();
  const starting: Amounts = new Map();
  for (const container of spec.initContainers ?? []) {
    if (container.restartPolicy === "Always") {
      add(sum, requestsOf(container));
      add(sidecars, requestsOf(container));
      raise(starting, sidecars);
    } else {
      const now = new Map(sidecars);
      add(now, requestsOf(container));
      raise(starting, now);
    }
  }
  raise(sum, starting);
  // Pod-level requests stand for all of its containers together.
  const podLevel: Amounts = new Map();
  add(podLevel, spec.resources?.requests);
  for (const [name, value] of podLevel) if (isPodLevel(name)) sum.set(name, value);
  add(sum, spec.overhead);
  return sum;
}

const isPodLevel = (name: string) => name === "cpu" || name === "memory" || name.startsWith("hugepages-");

/** What the pod asks for. One that is being resized counts with the larger of what it has and what it wants. */
export function podRequests(pod: Pod): Resources {
  return toResources(total(heldSpec(pod), (container) => container.resources?.requests));
}

/** podRequests() with an assumed amount for containers that say nothing. Only CPU and memory are of use. */
export function scoredRequests(pod: Pod): { cpu: number; memory: number } {
  const amounts = total(heldSpec(pod), ({ resources }) => ({
    cpu: `${assumedCpu}m`,
    memory: `${assumedMemory}`,
    ...resources?.requests,
  }));
  return { cpu: amounts.get("cpu") ?? 0, memory: amounts.get("memory") ?? 0 };
}

export function toResources(amounts: ReadonlyMap<string, number>): Resources {
  const extended = new Map([...amounts].filter(([name]) => !basic.has(name)));
  return {
    cpu: amounts.get("cpu") ?? 0,
    memory: amounts.get("memory") ?? 0,
    ephemeral: amounts.get("ephemeral-storage") ?? 0,
    extended: extended.size === 0 ? undefined : extended,
  };
}

const basic = new Set(["cpu", "memory", "ephemeral-storage", "pods"]);

/** A Node's allocatable resources, and how many pods it takes. */
export function allocatable(quantities: Quantities): Resources & { pods: number } {
  const amounts: Amounts = new Map();
  add(amounts, quantities);
  return { ...toResources(amounts), pods: amounts.get("pods") ?? 0 };
}
