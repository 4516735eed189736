/** How far a rolling update may deviate from the wanted number of pods (pkg/controller/deployment/util/deployment_util.go). Pure. */
import type { Deployment } from "../../../lib/types/apps_v1.ts";

export const replicasOf = (deployment: Deployment) => deployment.spec.replicas ?? 1;

export const isRolling = (deployment: Deployment) =>
  (deployment.spec.strategy?.type ?? "RollingUpdate") === "RollingUpdate";

/** `25%` of `total`, or the number itself. */
export function scaled(value: number | string | undefined, total: number, round: "up" | "down"): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const percent = Number(/^(\d+)%$/.exec(value)?.[1]);
  if (Number.isNaN(percent)) {
    throw new Error(`invalid value for IntOrString: invalid type: string is not a percentage: ${value}`);
  }
  return round === "up" ? Math.ceil(total * percent / 100) : Math.floor(total * percent / 100);
}

/** Surge rounds up, unavailable rounds down; both zero would make no progress ever, so one may then be unavailable. */
export function fenceposts(deployment: Deployment): { surge: number; unavailable: number } {
  const { maxSurge, maxUnavailable } = deployment.spec.strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, replicasOf(deployment), "up");
  const unavailable = scaled(maxUnavailable, replicasOf(deployment), "down");
  return surge === 0 && unavailable === 0 ? { surge, unavailable: 1 } : { surge, unavailable };
}

export function maxSurge(deployment: Deployment): number {
  return isRolling(deployment) ? fenceposts(deployment).surge : 0;
}

export function maxUnavailable(deployment: Deployment): number {
  if (!isRolling(deployment) || replicasOf(deployment) === 0) return 0;
  return Math.min(fenceposts(deployment).unavailable, replicasOf(deployment));
}
