/** The revisions of a StatefulSet: the one that is rolled out, the one before, and which old ones go (stateful_set_control.go). Pure. */
import type { Kind } from "../../../lib/kind.ts";
import type { ControllerRevision, StatefulSet } from "../../../lib/types/apps_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { StatefulSet as StatefulSetKind } from "../../../lib/types/kinds.ts";
import { templateHash } from "../deployment/hash.ts";
import { byRevision, keepsTemplate, newRevision, surplusRevisions } from "../revisions.ts";
import { podRevision } from "./identity.ts";
import type { StatefulAction, StatefulView } from "./plan.ts";

const hashLabel = "controller.kubernetes.io/hash";
/** What the hash leaves of a name (ControllerRevisionName). */
const prefixCharactersMax = 223;

export interface History {
  actions: readonly StatefulAction[];
  /** What pods below the partition are of. */
  current: ControllerRevision;
  /** The set's template. */
  update: ControllerRevision;
  collisionCount: number;
}

export function planHistory({ set, revisions, named }: StatefulView): History {
  const all = [...revisions.mine, ...revisions.adopt].sort(byRevision);
  const newest = all.at(-1);
  const equal = all.filter((revision) => keepsTemplate(revision, set.spec.template)).at(-1);
  const next = (newest?.revision ?? 0) + 1;
  const actions: StatefulAction[] = [];
  let collisionCount = set.status.collisionCount ?? 0;
  let update = equal;
  if (update === undefined) {
    let made = snapshot(set, next, collisionCount);
    // A revision that has the name and says something else: the count goes into the next hash.
    for (; isOther(set, named(made.metadata.name)); made = snapshot(set, next, collisionCount)) collisionCount++;
    const there = named(made.metadata.name);
    update = there ?? made;
    const why = "no revision keeps this template";
    if (there === undefined) actions.push({ do: "createRevision", revision: made, why });
  } else if (update !== newest) {
    update = { ...update, revision: next };
    actions.push({ do: "updateRevision", revision: update, why: "its template is the current one again" });
  }
  const current = all.find(({ metadata }) => metadata.name === set.status.currentRevision);
  return {
    actions,
    current: current?.metadata.name === update.metadata.name ? update : current ?? update,
    update,
    collisionCount,
  };
}

const isOther = (set: StatefulSet, revision: ControllerRevision | undefined) =>
  revision !== undefined && !keepsTemplate(revision, set.spec.template);

function snapshot(set: StatefulSet, revision: number, collisionCount: number): ControllerRevision {
  const hash = templateHash(set.spec.template, collisionCount);
  const name = `${set.metadata.name.slice(0, prefixCharactersMax)}-${hash}`;
  const labels = { ...set.spec.template.metadata?.labels, [hashLabel]: hash };
  return newRevision(StatefulSetKind as Kind, set, { name, revision, labels });
}

/** Old revisions that no pod is of, beyond the limit. */
export function cleanUp(
  { set, revisions }: StatefulView,
  { current, update }: History,
  pods: readonly Pod[],
): readonly StatefulAction[] {
  const live = new Set([current.metadata.name, update.metadata.name, ...pods.map(podRevision)]);
  const old = revisions.mine.filter(({ metadata }) => !live.has(metadata.name));
  const limit = set.spec.revisionHistoryLimit ?? 10;
  return surplusRevisions(old, limit, () => false).map((revision) => ({
    do: "deleteRevision",
    revision,
    why: `${old.length} old revisions, ${limit} are kept`,
  }));
}
