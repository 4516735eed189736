/**
 * Scales what HorizontalPodAutoscalers name by what its pods use. A look at each autoscaler every 15 s: what is looked at, a target's scale
 * and metrics, is asked for, not watched, so this loop is its own: gather, plan (plan.ts, pure), execute.
 */
import { getLogger } from "log";
import type { Client } from "../../../lib/client/client.ts";
import type { Informer } from "../../../lib/informer/informer.ts";
import { keyOf } from "../../../lib/kind.ts";
import { createQueue, type Queue } from "../../../lib/queue/queue.ts";
import { type PodMetrics, podMetricsKind } from "../../../lib/resource_metrics.ts";
import type { Clock } from "../../../lib/seams/clock.ts";
import { matchesLabels, type Selector } from "../../../lib/selector/labels.ts";
import { isReason, StatusError } from "../../../lib/status.ts";
import type { HorizontalPodAutoscaler } from "../../../lib/types/autoscaling_v2.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { HorizontalPodAutoscalerV2 as HpaKind } from "../../../lib/types/kinds.ts";
import type { Parts } from "../parts.ts";
import { same } from "../same.ts";
import { MetricsError } from "./metrics_error.ts";
import type { Memory } from "./normalize.ts";
import { type AutoscalerPlan, type AutoscalerView, parseSelector, planAutoscaler, rescaled } from "./plan.ts";
import type { Answered } from "./pod_metrics.ts";
import { autoscalerDefaults, type AutoscalerSettings } from "./settings.ts";
import { type Target, Targets } from "./targets.ts";

export const autoscalerName = "horizontal-pod-autoscaler";

const logger = getLogger(["sauropod", "controller", autoscalerName]);
/** As kube-controller-manager's --concurrent-horizontal-pod-autoscaler-syncs. */
const workers = 5;

/** What is known of an autoscaler besides its object. */
interface Known {
  memory?: Memory;
  /** Of its target's pods, when it was last looked at. */
  selector?: Selector;
}

export async function runAutoscaler(parts: Parts, signal: AbortSignal): Promise<void> {
  const { informers, clock } = parts;
  const hpas = informers.horizontalPodAutoscalers;
  const queue = createQueue(clock);
  const known = new Map<string, Known>();
  signal.addEventListener("abort", () => queue.close(), { once: true });
  const stop = hpas.onChange(({ old, now }) => {
    if (now === undefined) known.delete(keyOf(old!));
    // Its status is ours: that it changed is no news.
    else if (!same(old?.spec, now.spec)) queue.add(keyOf(now));
  });
  const aborted = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
  await Promise.race([Promise.all([hpas.synced, informers.pods.synced]), aborted]);
  const loop = new Autoscaler(parts, known);
  await Promise.all(Array.from({ length: workers }, () => work(loop, queue, clock)));
  stop();
}

async function work(loop: Autoscaler, queue: Queue, clock: Clock): Promise<void> {
  for (let key = await queue.next(); key !== undefined; key = await queue.next()) {
    try {
      const again = await loop.look(key);
      queue.done(key);
      if (again) queue.addAt(key, clock.now() + loop.settings.syncPeriodMs);
    } catch (error) {
      const delay = queue.failed(key);
      logger.warn("{key}: {error}; again in {delay} ms", { key, error: String(error), delay });
    }
  }
}

class Autoscaler {
  readonly settings: AutoscalerSettings;
  readonly #client: Client;
  readonly #targets: Targets;
  readonly #pods: Informer<Pod>;
  readonly #hpas: Informer<HorizontalPodAutoscaler>;

  constructor(readonly parts: Parts, readonly known: Map<string, Known>) {
    const { client, clock, config, informers } = parts;
    this.settings = { ...autoscalerDefaults, ...config.autoscaler };
    this.#client = client;
    this.#targets = new Targets(client, clock);
    this.#pods = informers.pods;
    this.#hpas = informers.horizontalPodAutoscalers;
  }

  /** Answers whether there is anything to look at again. */
  async look(key: string): Promise<boolean> {
    const hpa = this.#hpas.get(key);
    if (hpa === undefined) return false;
    const { clock } = this.parts;
    const { view, target } = await this.#gather(key, hpa);
    let plan: AutoscalerPlan = planAutoscaler(view, clock.now());
    if (plan.rescale !== undefined && target !== undefined) {
      const error = await this.#resize(target, plan.rescale.to);
      plan = rescaled(view, { ...plan, rescale: plan.rescale }, { error, now: clock.now() });
    }
    // It may have been deleted meanwhile: then nothing is left to remember.
    if (this.#hpas.get(key) !== undefined) this.known.set(key, { ...this.known.get(key), memory: plan.memory });
    for (const { type, reason, message } of plan.events) this.parts.recorder.event(hpa, type, reason, message);
    await this.#report(hpa, plan);
    return true;
  }

  async #gather(key: string, hpa: HorizontalPodAutoscaler): Promise<{ view: AutoscalerView; target?: Target }> {
    const { namespace } = hpa.metadata;
    const target = await answered(() => this.#targets.get(namespace, hpa.spec.scaleTargetRef));
    const text = "ok" in target ? target.ok.scale.status?.selector ?? "" : "";
    const parsed = text === "" ? { error: "none" } : parseSelector(text);
    const selector = "ok" in parsed ? parsed.ok : undefined;
    this.known.set(key, { ...this.known.get(key), selector });
    const pods = this.#selected(namespace, selector);
    const view: AutoscalerView = {
      hpa,
      pods,
      scale: "ok" in target ? { ok: target.ok.scale } : target,
      metrics: await this.#metrics(hpa, text),
      deciding: this.#deciding(namespace, pods),
      memory: this.known.get(key)?.memory,
      settings: this.settings,
    };
    return { view, target: "ok" in target ? target.ok : undefined };
  }

  #selected(namespace: string, selector: Selector | undefined): readonly Pod[] {
    if (selector === undefined) return [];
    return this.#pods.by("namespace", namespace).filter(({ metadata }) => matchesLabels(selector, metadata.labels));
  }

  /** All autoscalers whose target selects any of the pods. */
  #deciding(namespace: string, pods: readonly Pod[]): { name: string; namespace: string }[] {
    const prefix = `${namespace}/`;
    return [...this.known].flatMap(([key, { selector }]) => {
      if (selector === undefined || !key.startsWith(prefix)) return [];
      if (!pods.some(({ metadata }) => matchesLabels(selector, metadata.labels))) return [];
      return [{ name: key.slice(prefix.length), namespace }];
    });
  }

  async #metrics({ metadata, spec }: HorizontalPodAutoscaler, selector: string) {
    const wanted = (spec.metrics ?? []).some(({ type }) => type === "Resource" || type === "ContainerResource");
    if (!wanted || selector === "") return { ok: [] };
    return await answered<readonly PodMetrics[]>(async () => {
      const options = { namespace: metadata.namespace, labelSelector: selector };
      return (await this.#client.list(podMetricsKind, options)).items;
    });
  }

  async #resize(target: Target, replicas: number): Promise<string | undefined> {
    const answer = await answered(() => this.#targets.resize(target, replicas));
    return "error" in answer ? answer.error : undefined;
  }

  async #report(hpa: HorizontalPodAutoscaler, { status }: AutoscalerPlan): Promise<void> {
    if (same(hpa.status, status)) return;
    try {
      await this.#client.update(HpaKind, { ...hpa, status }, { subresource: "status" });
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      if (!(error instanceof StatusError)) throw error;
      this.parts.recorder.event(hpa, "Warning", "FailedUpdateStatus", error.message);
    }
  }
}

/** What the API refuses is an answer, too. */
async function answered<T>(ask: () => Promise<T>): Promise<Answered<T>> {
  try {
    return { ok: await ask() };
  } catch (error) {
    if (error instanceof StatusError || error instanceof MetricsError) return { error: error.message };
    throw error;
  }
}
