/** Whether a toleration tolerates a taint (k8s.io/api/core/v1 Toleration.ToleratesTaint). Pure. */
import type { Taint, Toleration } from "./types/core_v1.ts";

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "Equal") {
    case "Exists":
      return true;
    case "Equal":
      // An empty key matches every taint only with Exists.
      return toleration.key === taint.key && (toleration.value ?? "") === (taint.value ?? "");
    case "Gt":
    case "Lt":
      return comparesAs(toleration, taint);
    default:
      return false;
  }
}

/** The taint's value is greater (Gt) or less (Lt) than the toleration's, both being whole numbers. */
function comparesAs({ operator, value }: Toleration, taint: Taint): boolean {
  const whole = /^-?(0|[1-9][0-9]{0,18})$/;
  if (!whole.test(value ?? "") || !whole.test(taint.value ?? "")) return false;
  const [theirs, ours] = [BigInt(taint.value!), BigInt(value!)];
  return operator === "Gt" ? theirs > ours : theirs < ours;
}

/** The first taint that none of the tolerations tolerates. */
export function untolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
): Taint | undefined {
  return taints?.find((taint) => !(tolerations ?? []).some((toleration) => tolerates(toleration, taint)));
}
