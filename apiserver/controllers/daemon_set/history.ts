/** The revisions of a DaemonSet: the one of its template, and which old ones go (daemon/update.go constructHistory). Pure. */
import type { Kind } from "../../../lib/kind.ts";
import type { ControllerRevision, DaemonSet } from "../../../lib/types/apps_v1.ts";
import { DaemonSet as DaemonSetKind } from "../../../lib/types/kinds.ts";
import { templateHash } from "../deployment/hash.ts";
import { byRevision, keepsTemplate, newRevision, revisionHashLabel, surplusRevisions } from "../revisions.ts";
import type { DaemonDraft } from "./manage.ts";
import type { DaemonAction, DaemonView } from "./plan.ts";

export interface History {
  actions: readonly DaemonAction[];
  /** The label of pods of the current template; `undefined` until names and labels have been put in order. */
  hash: string | undefined;
  cleanUp(draft: DaemonDraft): readonly DaemonAction[];
}

/** A revision without the label counts by its name. */
const hashOf = ({ metadata }: ControllerRevision) => metadata.labels?.[revisionHashLabel] ?? metadata.name;

export function planHistory(view: DaemonView): History {
  const { set, revisions } = view;
  const all = [...revisions.mine, ...revisions.adopt].sort(byRevision);
  const current = all.filter((revision) => keepsTemplate(revision, set.spec.template));
  const old = all.filter((revision) => !current.includes(revision));
  const next = (old.at(-1)?.revision ?? 0) + 1;
  const cleanUp = (draft: DaemonDraft) => surplus(draft, old);
  const kept = current.at(-1);
  if (kept === undefined) return { ...snapshot(view, next), cleanUp };
  const actions: DaemonAction[] = [];
  const hash = hashOf(kept);
  const labels = { ...kept.metadata.labels, [revisionHashLabel]: hash };
  const revision = Math.max(kept.revision, next);
  if (revision !== kept.revision || kept.metadata.labels?.[revisionHashLabel] === undefined) {
    const updated = { ...kept, revision, metadata: { ...kept.metadata, labels } };
    actions.push({ do: "updateRevision", revision: updated, why: "its template is the current one again" });
  }
  for (const twin of current.slice(0, -1)) {
    const its = [...view.pods.mine, ...view.pods.adopt].filter((pod) =>
      pod.metadata.labels?.[revisionHashLabel] === hashOf(twin)
    );
    actions.push(...its.map((pod) => ({ do: "relabel", pod, hash, why: "its revision is kept twice" }) as const));
    actions.push({ do: "deleteRevision", revision: twin, why: `it is the same as ${kept.metadata.name}` });
  }
  // Pods that get another label are looked at again when they have it.
  const relabelled = actions.some((action) => action.do === "relabel");
  return { actions, hash: relabelled ? undefined : hash, cleanUp };
}

function snapshot(
  { set, named }: DaemonView,
  revision: number,
): { actions: readonly DaemonAction[]; hash: string | undefined } {
  const hash = templateHash(set.spec.template, set.status.collisionCount);
  const name = `${set.metadata.name}-${hash}`;
  const other = named(name);
  // Left by a set of the same name, and still to be collected: it says the same.
  if (other !== undefined && keepsTemplate(other, set.spec.template)) return { actions: [], hash };
  if (other !== undefined) return { actions: [collision(set, name)], hash: undefined };
  const labels = { ...set.spec.template.metadata?.labels, [revisionHashLabel]: hash };
  const made = newRevision(DaemonSetKind as Kind, set, { name, revision, labels });
  return { actions: [{ do: "createRevision", revision: made, why: "no revision keeps this template" }], hash };
}

/** Another revision has the name: the count goes into the next hash. */
function collision(set: DaemonSet, name: string): DaemonAction {
  const status = { ...set.status, collisionCount: (set.status.collisionCount ?? 0) + 1 };
  return { do: "updateStatus", status, why: `the name ${name} is taken by another revision` };
}

function surplus({ set, byNode }: DaemonDraft, old: readonly ControllerRevision[]): readonly DaemonAction[] {
  const live = new Set([...byNode.values()].flat().map((pod) => pod.metadata.labels?.[revisionHashLabel]));
  const limit = set.spec.revisionHistoryLimit ?? 10;
  return surplusRevisions(old, limit, (revision) => live.has(hashOf(revision))).map((revision) => ({
    do: "deleteRevision",
    revision,
    why: `${old.length} old revisions, ${limit} are kept`,
  }));
}
