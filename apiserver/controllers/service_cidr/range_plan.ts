/**
 * Decides what a ServiceCIDR needs: a finalizer while Services have addresses of it, and the condition Ready, without which no address is
 * picked from it (pkg/controller/servicecidrs, pkg/controlplane/controller/defaultservicecidr). Pure.
 */
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { New } from "../../../lib/kind.ts";
import { serviceCidrDeletionGraceMs } from "../../../lib/limits.ts";
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type { Condition } from "../../../lib/types/meta_v1.ts";
import type { ServiceCIDR } from "../../../lib/types/networking_v1.ts";
import { overlaps, parseRange, type Range } from "../cidr.ts";

export const defaultRangeName = "kubernetes";
export const rangeFinalizer = "networking.k8s.io/service-cidr-finalizer";

export type RangeAction =
  | { do: "create"; object: New<ServiceCIDR>; why: string }
  | { do: "setFinalizers"; finalizers: readonly string[]; why: string }
  | { do: "setReady"; condition: Condition; why: string }
  | { do: "warn"; message: string; why: string };

export interface DefaultRangeView {
  found: ServiceCIDR | undefined;
  /** As the cluster was started: `10.96.0.0/16`. */
  configured: string;
}

/** The range that the cluster was started with has an object, too. */
export function planDefaultRange({ found, configured }: DefaultRangeView): readonly RangeAction[] {
  if (found === undefined) {
    const object = { metadata: { name: defaultRangeName }, spec: { cidrs: [configured] } };
    return [{ do: "create", object, why: "it is the range of the cluster" }];
  }
  const cidrs = found.spec.cidrs ?? [];
  if (cidrs.length === 1 && cidrs[0] === configured) return [];
  const message = `The default ServiceCIDR values [${cidrs.join(" ")}] do not match --service-cidr ${configured}`;
  return [{ do: "warn", message, why: message }];
}

export interface RangeView {
  range: ServiceCIDR;
  others: readonly ServiceCIDR[];
  /** Addresses that Services have, of any range. */
  addresses: readonly string[];
  /** Pods' addresses: `10.244.0.0/16`. */
  clusterCidr: string;
}

export function planRange(view: RangeView, now: Instant): readonly (RangeAction | WakeAt)[] {
  const { metadata } = view.range;
  const finalizers = metadata.finalizers ?? [];
  const has = finalizers.includes(rangeFinalizer);
  if (metadata.deletionTimestamp === undefined) {
    const kept: RangeAction = {
      do: "setFinalizers",
      finalizers: [...finalizers, rangeFinalizer],
      why: "Services may have addresses of it",
    };
    return [...has ? [] : [kept], ...readiness(view, now)];
  }
  if (!has) return [];
  if (isNeeded(view)) return terminating(view, now);
  // Who picks addresses has learnt by then that it is going.
  const at = Date.parse(metadata.deletionTimestamp) + serviceCidrDeletionGraceMs;
  if (at > now) return [{ do: "wakeAt", at, why: "an address may just be picked from it" }];
  const rest = finalizers.filter((one) => one !== rangeFinalizer);
  return [{ do: "setFinalizers", finalizers: rest, why: "no Service has an address of it" }];
}

const readyOf = ({ status }: ServiceCIDR) => status?.conditions?.find(({ type }) => type === "Ready");

function readiness({ range, clusterCidr }: RangeView, now: Instant): readonly RangeAction[] {
  const pods = parseRange(clusterCidr);
  const mixed = rangesOf(range).some((one) => overlaps(one, pods));
  if (mixed) {
    const message = `The range overlaps that of pods, ${clusterCidr}: no Service gets an address of it`;
    return set(range, { status: "False", reason: "OverlapsPodRange", message }, now);
  }
  return set(range, { status: "True", reason: "", message: "Kubernetes Service CIDR is ready" }, now);
}

function terminating({ range }: RangeView, now: Instant): readonly RangeAction[] {
  const message =
    "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
  return set(range, { status: "False", reason: "Terminating", message }, now);
}

function set(range: ServiceCIDR, to: Pick<Condition, "status" | "reason" | "message">, now: Instant): RangeAction[] {
  const before = readyOf(range);
  if (before?.status === to.status && (before.reason ?? "") === to.reason && before.message === to.message) return [];
  const since = before?.status === to.status ? before.lastTransitionTime : rfc3339(now);
  const condition: Condition = { type: "Ready", ...to, lastTransitionTime: since };
  return [{ do: "setReady", condition, why: to.message }];
}

/** IPv4: others are refused by validation. */
const rangesOf = ({ spec }: ServiceCIDR): Range[] => (spec.cidrs ?? []).map(parseRange);

const covers = (outer: Range, inner: Range) => outer.bits <= inner.bits && overlaps(outer, inner);

/** An address of it is in use, and in no other range that stays. */
function isNeeded({ range, others, addresses }: RangeView): boolean {
  const staying = others.filter(({ metadata }) => metadata.deletionTimestamp === undefined).flatMap(rangesOf);
  const own = rangesOf(range);
  if (own.every((one) => staying.some((other) => covers(other, one)))) return false;
  return addresses.some((address) => {
    if (address.includes(":")) return false;
    const single = parseRange(`${address}/32`);
    return own.some((one) => covers(one, single)) && !staying.some((other) => covers(other, single));
  });
}
