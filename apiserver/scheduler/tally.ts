/** How many pods of some sort are on each Node and in each topology domain, kept current as pods come and go. */
import type { NodeInfo } from "./node_info.ts";

export class Tally {
  readonly byNode = new Map<NodeInfo, number>();
  total = 0;
  /** Topology key → its value → pods. Made when first asked for. */
  readonly #domains = new Map<string, Map<string, number>>();

  add(node: NodeInfo, delta: number): void {
    const count = (this.byNode.get(node) ?? 0) + delta;
    if (count === 0) this.byNode.delete(node);
    else this.byNode.set(node, count);
    this.total += delta;
    for (const [key, counts] of this.#domains) addTo(counts, node.labels[key], delta);
  }

  onNode(node: NodeInfo): number {
    return this.byNode.get(node) ?? 0;
  }

  /** Pods by the value that their Node has for the key. Nodes without it are left out. */
  inDomains(key: string): ReadonlyMap<string, number> {
    const known = this.#domains.get(key);
    if (known !== undefined) return known;
    const counts = new Map<string, number>();
    for (const [node, count] of this.byNode) addTo(counts, node.labels[key], count);
    this.#domains.set(key, counts);
    return counts;
  }

  /** Labels of Nodes changed: domains are counted anew. */
  forgetDomains(): void {
    this.#domains.clear();
  }

  drop(node: NodeInfo): void {
    const count = this.byNode.get(node);
    if (count !== undefined) this.add(node, -count);
  }
}

function addTo(counts: Map<string, number>, value: string | undefined, delta: number): void {
  if (value === undefined) return;
  const count = (counts.get(value) ?? 0) + delta;
  if (count === 0) counts.delete(value);
  else counts.set(value, count);
}
