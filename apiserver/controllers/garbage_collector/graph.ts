/**
 * Who owns whom, by uid: of every object its name, owners, finalizers and whether it is being deleted, and nothing else. It tells which
 * uids a change concerns. Leaves out deciding (plan.ts) and asking the server (controller.ts).
 */
import { garbageVerdictsMax } from "../../../lib/limits.ts";
import type { KubeObject, Ref } from "../../../lib/kind.ts";
import type { OwnerReference } from "../../../lib/types/meta_v1.ts";
import type { ServedKind } from "../discovery.ts";
import { same } from "../same.ts";

export interface GraphNode {
  readonly uid: string;
  readonly kind: ServedKind;
  readonly ref: Ref;
  readonly resourceVersion: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly deleting: boolean;
}

export const foreground = "foregroundDeletion";
export const orphan = "orphan";

/** It waits for its dependents to go first. */
export const isForeground = ({ deleting, finalizers }: GraphNode) => deleting && finalizers.includes(foreground);

/** What the server said about an owner that is not in the graph. */
export type Verdict = "absent" | "solid" | "waiting";

const none: readonly never[] = [];

export class Graph {
  readonly #nodes = new Map<string, GraphNode>();
  readonly #dependents = new Map<string, Set<string>>();
  /** By uid, then by namespace. */
  readonly #verdicts = new Map<string, Map<string, Verdict>>();

  /** `tell` is called with every uid that should be planned for. */
  constructor(readonly tell: (uid: string) => void) {}

  get(uid: string): GraphNode | undefined {
    return this.#nodes.get(uid);
  }

  get size(): number {
    return this.#nodes.size;
  }

  dependentsOf(uid: string): GraphNode[] {
    return [...this.#dependents.get(uid) ?? none].map((dependent) => this.#nodes.get(dependent)!);
  }

  /** Verdicts hold for one namespace: a reference means an object in the namespace of the object that has it. */
  verdict(namespace: string | undefined, uid: string): Verdict | undefined {
    return this.#verdicts.get(uid)?.get(namespace ?? "");
  }

  judge(namespace: string | undefined, uid: string, verdict: Verdict): void {
    const known = this.#verdicts.get(uid) ?? new Map<string, Verdict>();
    known.set(namespace ?? "", verdict);
    // The uid that was judged last is the last to be forgotten.
    this.#verdicts.delete(uid);
    this.#verdicts.set(uid, known);
    if (this.#verdicts.size > garbageVerdictsMax) this.#verdicts.delete(this.#verdicts.keys().next().value!);
  }

  /** Takes in a new or changed object. */
  set(kind: ServedKind, { metadata }: KubeObject): void {
    const { uid, name, namespace, resourceVersion } = metadata;
    const before = this.#nodes.get(uid);
    const node: GraphNode = {
      uid,
      kind,
      ref: namespace === undefined ? { name } : { namespace, name },
      resourceVersion,
      owners: metadata.ownerReferences ?? none,
      finalizers: metadata.finalizers ?? none,
      deleting: metadata.deletionTimestamp !== undefined,
    };
    this.#nodes.set(uid, node);
    const unchanged = before !== undefined && before.deleting === node.deleting && same(before.owners, node.owners) &&
      same(before.finalizers, node.finalizers);
    if (unchanged) return;
    this.#verdicts.delete(uid);
    this.#link(before, node);
    if (node.owners.length > 0 || node.deleting) this.tell(uid);
    if (node.deleting) { for (const dependent of this.#dependents.get(uid) ?? none) this.tell(dependent); }
    this.#tellWaiting(before);
    this.#tellWaiting(node);
  }

  delete(uid: string): void {
    const before = this.#nodes.get(uid);
    if (before === undefined) return;
    this.#nodes.delete(uid);
    this.#link(before, undefined);
    this.#verdicts.delete(uid);
    for (const dependent of this.#dependents.get(uid) ?? none) this.tell(dependent);
    this.#tellWaiting(before);
  }

  /** Owners that wait for their dependents may go on. */
  #tellWaiting(node: GraphNode | undefined): void {
    for (const { uid } of node?.owners ?? none) {
      const owner = this.#nodes.get(uid);
      if (owner !== undefined && isForeground(owner)) this.tell(uid);
    }
  }

  #link(before: GraphNode | undefined, after: GraphNode | undefined): void {
    for (const { uid } of before?.owners ?? none) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(before!.uid);
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
    for (const { uid } of after?.owners ?? none) {
      this.#dependents.set(uid, (this.#dependents.get(uid) ?? new Set()).add(after!.uid));
    }
  }
}
