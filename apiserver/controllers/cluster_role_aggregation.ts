/**
 * ClusterRoles that are put together from others by their labels: admin, edit and view, and whatever an administrator makes so
 * (pkg/controller/clusterroleaggregation).
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { matchesLabels, selectorFrom } from "../../lib/selector/labels.ts";
import { ClusterRole as ClusterRoleKind } from "../../lib/types/kinds.ts";
import type { ClusterRole, PolicyRule } from "../../lib/types/rbac_v1.ts";
import type { Parts } from "./parts.ts";
import { same } from "./same.ts";

const controllerName = "clusterrole-aggregation-controller";

export interface AggregationView {
  role: ClusterRole;
  all: Iterable<ClusterRole>;
}

export interface AggregationAction {
  do: "apply";
  role: string;
  uid: string;
  rules: readonly PolicyRule[];
  why: string;
}

/** Rules of all roles that a selector matches, in the order of their names, each once. */
export function aggregatedRules({ role, all }: AggregationView): PolicyRule[] {
  const roles = [...all].filter(({ metadata }) => metadata.name !== role.metadata.name);
  const rules = new Map<string, PolicyRule>();
  for (const selector of role.aggregationRule?.clusterRoleSelectors ?? []) {
    const matches = selectorFrom(selector);
    const found = roles.filter(({ metadata }) => matchesLabels(matches, metadata.labels));
    for (const { rules: its = [] } of found.sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1)) {
      for (const rule of its) rules.set(JSON.stringify(rule), rule);
    }
  }
  return [...rules.values()];
}

export function planAggregation(view: AggregationView, _now: Instant): readonly AggregationAction[] {
  const rules = aggregatedRules(view);
  if (same(rules, view.role.rules ?? [])) return [];
  const { name, uid } = view.role.metadata;
  return [{ do: "apply", role: name, uid, rules, why: "roles that it is made of have changed" }];
}

export function clusterRoleAggregationController(
  { informers }: Parts,
): Controller<AggregationView, AggregationAction> {
  const { clusterRoles } = informers;
  return {
    name: controllerName,
    // Any role may be part of any aggregated one: there are some dozens of the former and a few of the latter.
    sources: [
      source(
        clusterRoles,
        () =>
          [...clusterRoles.list()].filter((role) => role.aggregationRule !== undefined).map(({ metadata }) =>
            metadata.name
          ),
      ),
    ],
    view(name) {
      const role = clusterRoles.get(name);
      return role?.aggregationRule === undefined ? undefined : { role, all: clusterRoles.list() };
    },
    plan: planAggregation,
    async execute({ role, uid, rules }, client) {
      // With its uid: a role that is gone meanwhile is not made anew.
      const metadata = { name: role, uid };
      const patch = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", metadata, rules };
      const options = { fieldManager: controllerName };
      await client.patch(ClusterRoleKind, { name: role }, { type: "apply", patch, force: true }, options);
    },
  };
}
