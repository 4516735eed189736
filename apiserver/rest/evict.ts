/**
 * `pods/eviction`: a deletion that PodDisruptionBudgets may refuse (k8s.io/kubernetes/pkg/registry/core/pod/storage/eviction.go).
 * Where budgets are not served there are none, and an eviction is a deletion.
 */
import type { KubeObject } from "../../lib/kind.ts";
import { clone } from "../../lib/patch/equal.ts";
import { definition } from "../../lib/schema/schema.ts";
import { rfc3339 } from "../../lib/seams/clock.ts";
import { matchesLabels, selectorFrom } from "../../lib/selector/labels.ts";
import { isReason, notFound, statusError } from "../../lib/status.ts";
import type { Pod } from "../../lib/types/core_v1.ts";
import type { DeleteOptions as WireOptions } from "../../lib/types/meta_v1.ts";
import type { PodDisruptionBudget } from "../../lib/types/policy_v1.ts";
import { answerObject } from "./answer.ts";
import { type Call, keyFor } from "./call.ts";
import { checkedOptions, removeObject, statusDefinition } from "./delete.ts";
import type { DeleteOptions } from "./delete_plan.ts";
import { negotiate } from "./negotiate.ts";
import { managerOf, writeOptions } from "./options.ts";
import { placeInNamespace } from "./preconditions.ts";
import type { EvictSubresource, Resource } from "./resource.ts";
import { bodySource } from "./source.ts";
import { successStatus } from "./status_answer.ts";
import { conflict, onCurrent, write } from "./write.ts";

/** Where budgets are stored. */
const budgets = "policy/poddisruptionbudgets";
/** Evictions that the budget's controller has not confirmed yet (MaxDisruptedPodSize). */
const disruptedPodsMax = 2000;

export async function evict(call: Call, subresource: EvictSubresource): Promise<Response> {
  const { request, query } = call;
  const written = writeOptions(query, "CreateOptions");
  const accepted = negotiate(request, query, "object");
  const expected = { kind: subresource.kind, definition: definition(subresource.definition) };
  const source = await bodySource(call, written.fieldValidation, expected);
  const eviction = source() as KubeObject & { deleteOptions?: WireOptions };
  const name = call.info.name!;
  if (eviction.metadata.name && eviction.metadata.name !== name) {
    throw statusError("BadRequest", "name in URL does not match name in Eviction object");
  }
  placeInNamespace(call, eviction);
  const options = checkedOptions(eviction.deleteOptions ?? {});
  options.dryRun ||= written.dryRun;
  await evictPod(call, name, { ...options, manager: managerOf(written, request) });
  return answerObject(request, successStatus(), { accepted, code: 201, definition: definition(statusDefinition) });
}

async function evictPod(call: Call, name: string, options: DeleteOptions & { manager: string }): Promise<void> {
  const pod = await onCurrent(call, keyFor(call, name), (old) => {
    if (old === undefined) return Promise.reject(notFound(call.resource, name));
    return Promise.resolve(old.object as unknown as Pod);
  });
  const uid = options.preconditions?.uid;
  if (uid !== undefined && uid !== pod.metadata.uid) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`;
    throw conflict(call.resource, name, why);
  }
  if (!ignoresBudgets(pod)) await spendBudget(call, pod, options);
  if (!options.dryRun) await markDisrupted(call, pod, options.manager);
  // The condition that was just written moved the revision: a precondition on it has been checked by then.
  await removeObject(call, name, { ...options, preconditions: { uid: pod.metadata.uid } });
}

/** It disrupts nobody: it is over, has not begun, or is going anyway. */
function ignoresBudgets(pod: Pod): boolean {
  const phase = pod.status.phase;
  return phase === "Succeeded" || phase === "Failed" || phase === "Pending" ||
    pod.metadata.deletionTimestamp !== undefined;
}

async function spendBudget(call: Call, pod: Pod, options: DeleteOptions & { manager: string }): Promise<void> {
  const resource = call.core.set.stored(budgets);
  if (resource === undefined) return;
  await call.core.lookup.fresh();
  const { namespace, labels } = pod.metadata;
  const matching = call.core.lookup.list<PodDisruptionBudget & KubeObject>(budgets, namespace)
    .filter((budget) => matchesLabels(selectorFrom(budget.spec.selector), labels));
  if (matching.length === 0) return;
  if (matching.length > 1) {
    const message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw statusError("InternalError", message);
  }
  const budget = matching[0]!;
  if (!isReady(pod) && isFreeWhenUnready(budget)) return;
  await decrement(call, resource, { budget: budget.metadata.name, pod: pod.metadata.name, ...options });
}

function isReady(pod: Pod): boolean {
  return (pod.status.conditions ?? []).some((c) => c.type === "Ready" && c.status === "True");
}

/** A pod that is not ready counts for nothing: it may go while its budget is kept by others. */
function isFreeWhenUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  return (status.currentHealthy ?? 0) >= (status.desiredHealthy ?? 0) && (status.desiredHealthy ?? 0) > 0;
}

async function decrement(
  call: Call,
  resource: Resource,
  of: { budget: string; pod: string; dryRun: boolean; manager: string },
): Promise<void> {
  const budgetCall = { ...call, resource };
  await write(budgetCall, keyFor(budgetCall, of.budget), {
    part: "status",
    subresource: "status",
    dryRun: of.dryRun,
    manager: of.manager,
    next(old) {
      if (old === undefined) throw notFound(resource, of.budget);
      const budget = clone(old.object) as PodDisruptionBudget & KubeObject;
      spend(budget, of.pod, rfc3339(call.core.clock.now()));
      return budget;
    },
  });
}

/** Changes the budget. Throws TooManyRequests when nothing is left of it. */
function spend({ metadata, status }: PodDisruptionBudget & KubeObject, pod: string, now: string): void {
  const tooMany = (cause: string, retryAfterSeconds?: number) =>
    statusError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
      causes: [{ reason: "DisruptionBudget", message: cause }],
      retryAfterSeconds,
    });
  if ((status.observedGeneration ?? 0) < (metadata.generation ?? 0)) {
    throw tooMany(`The disruption budget ${metadata.name} is still being processed by the server.`, 10);
  }
  const forbidden = (why: string) =>
    statusError("Forbidden", `poddisruptionbudget.policy ${JSON.stringify(metadata.name)} is forbidden: ${why}`);
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw forbidden("pdb disruptions allowed is negative");
  if (Object.keys(status.disruptedPods ?? {}).length > disruptedPodsMax) {
    throw forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (allowed === 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = status;
    const needs = `needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`;
    throw tooMany(`The disruption budget ${metadata.name} ${needs}`);
  }
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...status.disruptedPods, [pod]: now };
}

/** Tells controllers why the pod goes: a DisruptionTarget condition. */
async function markDisrupted(call: Call, pod: Pod, manager: string): Promise<void> {
  const { name, uid } = pod.metadata;
  try {
    await write(call, keyFor(call, name), {
      part: "status",
      subresource: "status",
      dryRun: false,
      manager,
      next(old) {
        if (old === undefined || old.object.metadata.uid !== uid) throw notFound(call.resource, name);
        const marked = clone(old.object) as unknown as Pod;
        const others = (marked.status.conditions ?? []).filter((c) => c.type !== "DisruptionTarget");
        marked.status.conditions = [...others, {
          type: "DisruptionTarget",
          status: "True",
          reason: "EvictionByEvictionAPI",
          message: "Eviction API: evicting",
          lastTransitionTime: rfc3339(call.core.clock.now()),
        }];
        return marked as unknown as KubeObject;
      },
    });
  } catch (error) {
    // Gone meanwhile: the deletion that follows will say so.
    if (!isReason(error, "NotFound")) throw error;
  }
}
