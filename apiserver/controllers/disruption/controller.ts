/** The controller of PodDisruptionBudgets: gathers what planDisruption() needs, and does what it says. */
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import { matchesLabels, selectorFrom } from "../../../lib/selector/labels.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { PodDisruptionBudget as BudgetKind } from "../../../lib/types/kinds.ts";
import type { PodDisruptionBudget } from "../../../lib/types/policy_v1.ts";
import { aspectOf } from "../changes.ts";
import { controllerOf } from "../owner.ts";
import type { Parts } from "../parts.ts";
import { isReady } from "../pod_state.ts";
import { type DisruptionAction, type DisruptionView, planDisruption } from "./plan.ts";
import { scaleOf } from "./scale.ts";

export function disruptionController({ informers, recorder }: Parts): Controller<DisruptionView, DisruptionAction> {
  const { podDisruptionBudgets: budgets, deployments, replicaSets, replicationControllers, statefulSets } = informers;
  const selects = (budget: PodDisruptionBudget) => {
    const selector = selectorFrom(budget.spec.selector);
    return (pod: Pod) => matchesLabels(selector, pod.metadata.labels);
  };
  const keysOfPod = (pod: Pod): readonly string[] =>
    budgets.by("namespace", pod.metadata.namespace).filter((budget) => selects(budget)(pod)).map(keyOf);
  const pods = aspectOf(informers.pods, (pod) => [
    pod.metadata.labels,
    pod.metadata.deletionTimestamp !== undefined,
    isReady(pod),
    controllerOf(pod)?.uid,
  ]);
  /** Their scale is looked up; what changes with it are their pods. */
  const none = (): readonly string[] => [];
  return {
    name: "disruption-controller",
    sources: [
      source(budgets, (budget) => [keyOf(budget)]),
      source(pods, keysOfPod),
      source(aspectOf(deployments, ({ spec }) => spec.replicas), none),
      source(replicaSets, none),
      source(replicationControllers, none),
      source(statefulSets, none),
    ],
    view(key) {
      const budget = budgets.get(key);
      if (budget === undefined) return undefined;
      return {
        budget,
        pods: pods.by("namespace", budget.metadata.namespace).filter(selects(budget)),
        scaleOf: (owner, pod) => scaleOf(informers, owner, pod),
      };
    },
    plan: planDisruption,
    async execute(action, client, { budget }) {
      if (action.do === "updateStatus") {
        await client.update(BudgetKind, { ...budget, status: action.status }, { subresource: "status" });
      } else {
        recorder.event(action.pod ?? budget, action.type, action.reason, action.message);
      }
    },
  };
}
