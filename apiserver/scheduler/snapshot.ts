/**
 * The cluster as the scheduler sees it: Nodes, the pods on them, assumed ones among them, and tallies that make the cost of placing a pod
 * independent of how many pods there are. Read by filters and scores; changed by the scheduler alone.
 */
import { podTrackersMax } from "../../lib/limits.ts";
import type { Node } from "../../lib/types/core_v1.ts";
import type { NamespaceLabels, Term } from "./affinity_term.ts";
import { NodeInfo } from "./node_info.ts";
import type { PodInfo } from "./pod_info.ts";
import { Tally } from "./tally.ts";

/** A sort of pods that is counted. */
interface Tracker {
  readonly id: string;
  /** Pods of other namespaces are never asked; `undefined`: all are. */
  readonly namespace: string | undefined;
  matches(pod: PodInfo): boolean;
  readonly tally: Tally;
}

/** Pods with equal affinity terms: what they ask of others is decided once for all of them. */
export interface AffinityGroup {
  readonly sample: PodInfo;
  readonly tally: Tally;
}

export class Snapshot {
  /** Nodes in a stable order: scheduling goes round it. */
  readonly nodes: NodeInfo[] = [];
  readonly #byName = new Map<string, NodeInfo>();
  readonly #nodeOf = new Map<string, NodeInfo>();
  /** Pods whose Node is not known (yet), by uid, with its name. */
  readonly #homeless = new Map<string, { info: PodInfo; node: string }>();
  readonly #trackers = new Map<string, Tracker>();
  readonly groups = new Map<string, AffinityGroup>();
  /** How many Nodes have an image. */
  readonly imageNodes = new Map<string, number>();
  namespaceLabels: NamespaceLabels = () => undefined;
  readonly #nominatedTo = new Map<string, NodeInfo>();

  get(name: string): NodeInfo | undefined {
    return this.#byName.get(name);
  }

  /** The Node that a pod is on, or assumed on. */
  nodeOf(uid: string): NodeInfo | undefined {
    return this.#nodeOf.get(uid);
  }

  podOf(uid: string): PodInfo | undefined {
    return this.#nodeOf.get(uid)?.pods.get(uid);
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const known = this.#byName.get(name);
    if (known !== undefined) {
      const before = known.labels;
      this.#countImages(known, -1);
      known.describe(node);
      this.#countImages(known, 1);
      if (JSON.stringify(before) !== JSON.stringify(known.labels)) this.#forgetDomains();
      return;
    }
    const info = new NodeInfo(node);
    info.index = this.nodes.length;
    this.nodes.push(info);
    this.#byName.set(name, info);
    this.#countImages(info, 1);
    for (const { info: pod, node: home } of [...this.#homeless.values()]) if (home === name) this.add(pod, name);
  }

  removeNode(name: string): void {
    const info = this.#byName.get(name);
    if (info === undefined) return;
    for (const pod of [...info.pods.values()]) {
      this.remove(pod.uid);
      this.#homeless.set(pod.uid, { info: pod, node: name });
    }
    for (const uid of info.nominated.keys()) this.#nominatedTo.delete(uid);
    this.#countImages(info, -1);
    this.#byName.delete(name);
    const last = this.nodes.pop()!;
    if (last !== info) {
      this.nodes[info.index] = last;
      last.index = info.index;
    }
  }

  /** Puts a pod on a Node, in the place of what was known of it. */
  add(info: PodInfo, node: string): void {
    this.remove(info.uid);
    const home = this.#byName.get(node);
    if (home === undefined) {
      this.#homeless.set(info.uid, { info, node });
      return;
    }
    home.add(info);
    this.#nodeOf.set(info.uid, home);
    this.#count(info, home, 1);
  }

  remove(uid: string): void {
    this.#homeless.delete(uid);
    const home = this.#nodeOf.get(uid);
    const info = home?.pods.get(uid);
    if (home === undefined || info === undefined) return;
    home.remove(info);
    this.#nodeOf.delete(uid);
    this.#count(info, home, -1);
  }

  #count(info: PodInfo, home: NodeInfo, delta: 1 | -1): void {
    for (const tracker of this.#trackers.values()) {
      if (tracker.namespace !== undefined && tracker.namespace !== info.namespace) continue;
      if (tracker.matches(info)) tracker.tally.add(home, delta);
    }
    if (info.affinityId === undefined) return;
    const group = this.groups.get(info.affinityId) ?? { sample: info, tally: new Tally() };
    group.tally.add(home, delta);
    if (group.tally.total === 0) this.groups.delete(info.affinityId);
    else this.groups.set(info.affinityId, group);
  }

  #countImages(info: NodeInfo, delta: 1 | -1): void {
    for (const name of info.images.keys()) this.imageNodes.set(name, (this.imageNodes.get(name) ?? 0) + delta);
  }

  #forgetDomains(): void {
    for (const { tally } of this.#trackers.values()) tally.forgetDomains();
    for (const { tally } of this.groups.values()) tally.forgetDomains();
  }

  /** Labels of namespaces changed: what selects by them is counted anew. */
  namespacesChanged(): void {
    this.#trackers.clear();
  }

  /** The count of a sort of pods; `id` names the sort. Counted once, and kept from then on. */
  tally(id: string, namespace: string | undefined, matches: (pod: PodInfo) => boolean): Tally {
    const known = this.#trackers.get(id);
    if (known !== undefined) {
      this.#trackers.delete(id);
      this.#trackers.set(id, known);
      return known.tally;
    }
    const tally = new Tally();
    for (const node of this.nodes) {
      for (const pod of node.pods.values()) {
        if ((namespace === undefined || pod.namespace === namespace) && matches(pod)) tally.add(node, 1);
      }
    }
    this.#trackers.set(id, { id, namespace, matches, tally });
    if (this.#trackers.size > podTrackersMax) this.#trackers.delete(this.#trackers.keys().next().value!);
    return tally;
  }

  /** Notes that a pod that preempts others will want this Node. */
  nominate(info: PodInfo, node: string | undefined): void {
    this.#nominatedTo.get(info.uid)?.nominated.delete(info.uid);
    this.#nominatedTo.delete(info.uid);
    const home = node === undefined ? undefined : this.#byName.get(node);
    if (home === undefined) return;
    home.nominated.set(info.uid, info);
    this.#nominatedTo.set(info.uid, home);
  }

  nominatedNode(uid: string): NodeInfo | undefined {
    return this.#nominatedTo.get(uid);
  }

  get podCount(): number {
    return this.#nodeOf.size;
  }
}

/** The only namespace that a term looks at, if it is one. */
export function onlyNamespace(terms: readonly Term[]): string | undefined {
  const names = new Set(
    terms.flatMap((term) => term.namespaceSelector === undefined ? [...term.namespaces] : ["", "*"]),
  );
  return names.size === 1 ? names.values().next().value : undefined;
}
