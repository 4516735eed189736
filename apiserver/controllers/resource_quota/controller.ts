/**
 * Says in the status of each ResourceQuota how much of it is used (pkg/controller/resourcequota). For people only: admission counts
 * itself.
 */
import { type Controller, runController, source, type WakeAt } from "../../../lib/controller/controller.ts";
import { keyOf } from "../../../lib/kind.ts";
import { quotaResyncMs } from "../../../lib/limits.ts";
import { type Amounts, formatted } from "../../../lib/quota/amounts.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { ResourceQuota } from "../../../lib/types/core_v1.ts";
import { ResourceQuota as QuotaKind } from "../../../lib/types/kinds.ts";
import { createBell } from "../changes.ts";
import type { Parts } from "../parts.ts";
import { same } from "../same.ts";
import { Counters } from "./counters.ts";

export const resourceQuotaName = "resourcequota-controller";

export interface QuotaView {
  quota: ResourceQuota;
  /** `undefined`: not known yet. */
  used: Amounts | undefined;
}

export interface QuotaAction {
  do: "report";
  quota: ResourceQuota;
  why: string;
}

export function planQuota({ quota, used }: QuotaView, now: Instant): readonly (QuotaAction | WakeAt)[] {
  if (used === undefined) return [];
  const again: WakeAt = { do: "wakeAt", at: now + quotaResyncMs, why: "pods end by their time, too" };
  const status = { hard: { ...quota.spec.hard }, used: formatted(used) };
  if (same(quota.status, status)) return [again];
  return [{ do: "report", quota: { ...quota, status }, why: "another amount is used" }, again];
}

export async function runResourceQuota(parts: Parts, signal: AbortSignal): Promise<void> {
  const { informers, client, clock } = parts;
  const quotas = informers.resourceQuotas;
  const bell = createBell("quotas");
  /** `""`: of all namespaces. */
  const ring = (namespace: string) => {
    const found = namespace === "" ? [...quotas.list()] : quotas.by("namespace", namespace);
    for (const quota of found) bell.ring(keyOf(quota));
  };
  const isLimited = (namespace: string) => quotas.by("namespace", namespace).length > 0;
  const counters = new Counters(parts, { isLimited, changed: ring }, signal);
  const controller: Controller<QuotaView, QuotaAction> = {
    name: resourceQuotaName,
    sources: [source(quotas, (quota) => [keyOf(quota)]), bell.source],
    view(key) {
      const quota = quotas.get(key);
      return quota && { quota, used: counters.used(quota, clock.now()) };
    },
    plan: planQuota,
    async execute({ quota }, client) {
      try {
        await client.update(QuotaKind, quota, { subresource: "status" });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    },
  };
  for (const { synced } of [informers.pods, informers.services, informers.persistentVolumeClaims]) {
    void synced.then(() => ring(""));
  }
  await runController(controller, { client, clock, signal });
}
