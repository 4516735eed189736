/**
 * Makes sure of the default roles and bindings at every start (k8s.io/component-helpers/auth/rbac/reconciliation): what is missing is
 * added, what an administrator added stays, and what is annotated with `autoupdate: "false"` is left alone.
 */
import { getLogger } from "log";
import type { Client } from "../../../lib/client/client.ts";
import type { Kind, KubeObject, New } from "../../../lib/kind.ts";
import { isReason } from "../../../lib/status.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import type { PolicyRule, RoleRef, Subject } from "../../../lib/types/rbac_v1.ts";
import { compactRules, missingRights } from "./covers.ts";
import {
  autoUpdateAnnotation,
  clusterRoleBindings,
  clusterRoles,
  namespacedRoles,
  roleBindings,
} from "./defaults/mod.ts";

/** The fields of all four kinds. */
interface Rbac extends KubeObject {
  rules?: PolicyRule[];
  aggregationRule?: unknown;
  roleRef?: RoleRef;
  subjects?: Subject[];
}

export type BootstrapAction =
  | { do: "create"; object: New<Rbac>; why: string }
  | { do: "update"; object: Rbac; why: string }
  /** A binding's role can't be changed. */
  | { do: "replace"; old: Rbac; object: New<Rbac>; why: string };

/** What has to be done for `wanted` to be there; `undefined`: nothing. Pure. */
export function planObject(wanted: New<Rbac>, found: Rbac | undefined): BootstrapAction | undefined {
  if (found === undefined) return { do: "create", object: wanted, why: "every cluster has it" };
  if (found.metadata.annotations?.[autoUpdateAnnotation] === "false") return undefined;
  if (wanted.roleRef !== undefined && JSON.stringify(refOf(wanted)) !== JSON.stringify(refOf(found))) {
    return { do: "replace", old: found, object: wanted, why: "it is for another role" };
  }
  const rules = missingRights(found.rules ?? [], wanted.rules ?? []);
  const subjects = (wanted.subjects ?? []).filter((subject) => !(found.subjects ?? []).some((s) => isSame(s, subject)));
  const labels = { ...found.metadata.labels, ...wanted.metadata.labels };
  const aggregates = JSON.stringify(wanted.aggregationRule) !== JSON.stringify(found.aggregationRule);
  const labelled = Object.keys(labels).some((key) => labels[key] !== found.metadata.labels?.[key]);
  const aggregated = aggregates && wanted.aggregationRule !== undefined;
  if (rules.length === 0 && subjects.length === 0 && !labelled && !aggregated) return undefined;
  const object: Rbac = { ...found, metadata: { ...found.metadata, labels } };
  if (aggregated) object.aggregationRule = wanted.aggregationRule;
  if (rules.length > 0) object.rules = [...found.rules ?? [], ...compactRules(rules)];
  if (subjects.length > 0) object.subjects = [...found.subjects ?? [], ...subjects];
  return { do: "update", object, why: "something of it was missing" };
}

const refOf = ({ roleRef }: Pick<Rbac, "roleRef">) => [roleRef?.kind, roleRef?.name];

function isSame(a: Subject, b: Subject): boolean {
  return a.kind === b.kind && a.name === b.name && (a.namespace ?? "") === (b.namespace ?? "");
}

/** In this order: a binding to a role that is not there yet gives nothing. Needs a client that may do everything. */
export async function bootstrapRbac(client: Client): Promise<void> {
  await reconcile(client, kinds.ClusterRole as unknown as Kind<Rbac>, clusterRoles as unknown as New<Rbac>[]);
  await Promise.all([
    reconcile(client, kinds.ClusterRoleBinding as unknown as Kind<Rbac>, clusterRoleBindings as unknown as New<Rbac>[]),
    reconcile(client, kinds.Role as unknown as Kind<Rbac>, namespacedRoles as unknown as New<Rbac>[]),
    reconcile(client, kinds.RoleBinding as unknown as Kind<Rbac>, roleBindings as unknown as New<Rbac>[]),
  ]);
}

const logger = getLogger(["sauropod", "auth", "rbac"]);
const keyOf = ({ namespace = "", name }: { namespace?: string; name?: string }) => `${namespace}/${name}`;

async function reconcile(client: Client, kind: Kind<Rbac>, wanted: readonly New<Rbac>[]): Promise<void> {
  const found = new Map((await client.list(kind)).items.map((object) => [keyOf(object.metadata), object]));
  await Promise.all(wanted.map(async (object) => {
    const action = planObject(object, found.get(keyOf(object.metadata)));
    if (action === undefined) return;
    const { why } = action;
    if (found.size > 0) {
      logger.info("{kind} {name}: {do}, {why}", { kind: kind.kind, name: object.metadata.name, do: action.do, why });
    }
    await execute(client, kind, action);
  }));
}

async function execute(client: Client, kind: Kind<Rbac>, action: BootstrapAction): Promise<void> {
  try {
    if (action.do === "update") return void await client.update(kind, action.object);
    if (action.do === "replace") await client.delete(kind, action.old.metadata);
    await client.create(kind, action.object);
  } catch (error) {
    // Another API server that starts at the same time does the same.
    if (!isReason(error, "AlreadyExists", "Conflict")) throw error;
  }
}
