/**
 * What is to become of one autoscaler's target (reconcileAutoscaler of pkg/controller/podautoscaler/horizontal.go), to the letter of its
 * conditions and Events. Pure. planAutoscaler() says what to do; whether that worked is for rescaled() to put into the status.
 */
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import { parseLabelSelector, type Selector } from "../../../lib/selector/labels.ts";
import { StatusError } from "../../../lib/status.ts";
import type { Scale } from "../../../lib/types/autoscaling_v1.ts";
import type {
  HorizontalPodAutoscaler,
  HorizontalPodAutoscalerCondition,
  HorizontalPodAutoscalerStatus,
  MetricStatus,
} from "../../../lib/types/autoscaling_v2.ts";
import { type Failure, type MetricView, proposalOf } from "./metric.ts";
import { type Behavior, type Memory, normalize, normalizeWithBehavior, remember } from "./normalize.ts";
import type { Answered } from "./pod_metrics.ts";

export interface AutoscalerView extends Omit<MetricView, "current"> {
  scale: Answered<Scale>;
  /** All autoscalers whose targets select one of the pods: this one, or it is not clear who decides. */
  deciding: readonly { name: string; namespace: string }[];
  /** Absent for one that is seen for the first time. */
  memory?: Memory;
}

export interface PlannedEvent {
  type: "Normal" | "Warning";
  reason: string;
  message: string;
}

export interface AutoscalerPlan {
  status: HorizontalPodAutoscalerStatus;
  events: readonly PlannedEvent[];
  memory?: Memory;
  /** To be done; then rescaled() has the last word. */
  rescale?: { from: number; to: number; reason: string };
}

/** The status on its way to the next. */
class Draft {
  readonly events: PlannedEvent[] = [];
  readonly conditions: HorizontalPodAutoscalerCondition[];

  constructor(readonly hpa: HorizontalPodAutoscaler, readonly now: Instant) {
    this.conditions = [...hpa.status?.conditions ?? []];
  }

  set(type: string, status: "True" | "False", reason: string, message: string): void {
    const at = this.conditions.findIndex((condition) => condition.type === type);
    const before = this.conditions[at];
    const lastTransitionTime = before?.status === status ? before.lastTransitionTime : rfc3339(this.now);
    const next = { type, status, reason, message, lastTransitionTime };
    if (at < 0) this.conditions.push(next);
    else this.conditions[at] = next;
  }

  warn(reason: string, message: string): void {
    this.events.push({ type: "Warning", reason, message });
  }

  /** Everything else of the status stays. */
  kept(): HorizontalPodAutoscalerStatus {
    return { ...this.hpa.status, conditions: this.conditions };
  }

  status(current: number, desired: number, metrics: MetricStatus[] | undefined): HorizontalPodAutoscalerStatus {
    const { lastScaleTime } = this.hpa.status ?? {};
    return {
      ...(lastScaleTime === undefined ? {} : { lastScaleTime }),
      currentReplicas: current,
      desiredReplicas: desired,
      ...(metrics === undefined || metrics.length === 0 ? {} : { currentMetrics: metrics }),
      conditions: this.conditions,
    };
  }
}

export function planAutoscaler(view: AutoscalerView, now: Instant): AutoscalerPlan {
  const { hpa, scale } = view;
  const draft = new Draft(hpa, now);
  if ("error" in scale) {
    draft.warn("FailedGetScale", scale.error);
    const message = `the HPA controller was unable to get the target's current scale: ${scale.error}`;
    draft.set("AbleToScale", "False", "FailedGetScale", message);
    return { status: draft.kept(), events: draft.events, memory: view.memory };
  }
  const found = "the HPA controller was able to get the target's current scale";
  draft.set("AbleToScale", "True", "SucceededGetScale", found);
  const current = scale.ok.spec.replicas ?? 0;
  const memory = view.memory ?? { recommendations: [{ replicas: current, at: now }], ups: [], downs: [] };
  const { minReplicas: min = 1, maxReplicas: max } = hpa.spec;
  const planned = (rest: Partial<AutoscalerPlan> & Pick<AutoscalerPlan, "status">): AutoscalerPlan => ({
    events: draft.events,
    memory,
    ...rest,
  });
  if (current === 0 && min !== 0) {
    const message = "scaling is disabled since the replica count of the target is zero";
    draft.set("ScalingActive", "False", "ScalingDisabled", message);
    return planned({ status: draft.status(current, current, undefined) });
  }
  if (current > max || current < min) {
    const [to, bound] = current > max ? [max, "above Spec.MaxReplicas"] : [min, "below Spec.MinReplicas"];
    const rescale = { from: current, to, reason: `Current number of replicas ${bound}` };
    return planned({ status: draft.status(current, to, undefined), rescale });
  }
  return byMetrics({ ...view, scale: scale.ok, memory }, { draft, current, min, max });
}

interface Place {
  draft: Draft;
  current: number;
  min: number;
  max: number;
}

function byMetrics(
  view: Omit<AutoscalerView, "scale" | "memory"> & { scale: Scale; memory: Memory },
  { draft, current, min, max }: Place,
): AutoscalerPlan {
  const { hpa, memory, settings } = view;
  const { now } = draft;
  const wanted = selectorOf(view, draft) ? wantedBy(view, current, draft) : { error: "", statuses: undefined };
  if (wanted.replicas === undefined) {
    if (wanted.error) draft.warn("FailedComputeMetricsReplicas", wanted.error);
    const status = draft.status(current, hpa.status?.desiredReplicas ?? 0, wanted.statuses ?? undefined);
    return { status, events: draft.events, memory };
  }
  const bounds = { current, min, max };
  const behavior = behaviorOf(view);
  const { replicas, able, limited, recommendations } = behavior === undefined
    ? normalize(wanted.replicas, bounds, memory, { windowMs: settings.downscaleStabilizationMs, now })
    : normalizeWithBehavior(wanted.replicas, bounds, memory, { behavior, now });
  draft.set("AbleToScale", "True", able.reason, able.message);
  draft.set("ScalingLimited", limited.cut ? "True" : "False", limited.reason, limited.message);
  const reason = wanted.replicas > current
    ? `${wanted.metric} above target`
    : wanted.replicas < current
    ? "All metrics below target"
    : "";
  return {
    status: draft.status(current, replicas, wanted.statuses),
    events: draft.events,
    memory: { ...memory, recommendations },
    ...(replicas === current ? {} : { rescale: { from: current, to: replicas, reason } }),
  };
}

/** False when nothing can be worked out by the target's selector; the draft says why. */
function selectorOf(view: { scale: Scale; deciding: AutoscalerView["deciding"] }, draft: Draft): boolean {
  const refuse = (reason: string, message: string, said = message, event = reason) => {
    draft.warn(event, message);
    draft.set("ScalingActive", "False", reason, said);
    draft.warn("FailedComputeMetricsReplicas", message);
    return false;
  };
  const text = view.scale.status?.selector ?? "";
  if (text === "") {
    const said = "the HPA target's scale is missing a selector";
    return refuse("InvalidSelector", "selector is required", said, "SelectorRequired");
  }
  const parsed = parseSelector(text);
  if ("error" in parsed) {
    const why = `couldn't convert selector into a corresponding internal selector object: ${parsed.error}`;
    return refuse("InvalidSelector", why);
  }
  if (view.deciding.length <= 1) return true;
  const names = view.deciding.map(({ name, namespace }) => `{${name} ${namespace}}`).join(" ");
  return refuse("AmbiguousSelector", `pods by selector ${text} are controlled by multiple HPAs: [${names}]`);
}

export function parseSelector(text: string): Answered<Selector> {
  try {
    return { ok: parseLabelSelector(text) };
  } catch (error) {
    if (!(error instanceof StatusError)) throw error;
    return { error: error.message };
  }
}

interface Wanted {
  /** Absent when the metrics that can be had don't suffice. */
  replicas?: number;
  metric?: string;
  statuses: MetricStatus[] | undefined;
  error?: string;
}

/** The most that any metric wants. With some metrics missing, nothing is taken away. */
function wantedBy(view: Omit<MetricView, "current">, current: number, draft: Draft): Wanted {
  const specs = view.hpa.spec.metrics ?? [];
  const statuses: MetricStatus[] = [];
  let most: { replicas: number; name: string } | undefined;
  let first: Failure | undefined;
  let failed = 0;
  for (const spec of specs) {
    const proposal = proposalOf(spec, { ...view, current }, draft.now);
    if ("reason" in proposal) {
      draft.warn(proposal.reason, proposal.cause);
      first ??= proposal;
      failed++;
      statuses.push({ type: "" });
      continue;
    }
    statuses.push(proposal.status);
    if (most === undefined || most.replicas === 0 || proposal.replicas > most.replicas) most = proposal;
  }
  if (first !== undefined && (most === undefined || most.replicas < current)) {
    const message = `the HPA was unable to compute the replica count: ${first.cause}`;
    draft.set("ScalingActive", "False", first.reason, message);
    const error = `invalid metrics (${failed} invalid out of ${specs.length}), first error is: ${first.message}`;
    return { statuses, error };
  }
  const metric = most?.name ?? "";
  const message = `the HPA was able to successfully calculate a replica count from ${metric}`;
  draft.set("ScalingActive", "True", "ValidMetricFound", message);
  return { replicas: most?.replicas ?? 0, metric, statuses };
}

function behaviorOf({ hpa, settings }: Pick<MetricView, "hpa" | "settings">): Behavior | undefined {
  const { behavior } = hpa.spec;
  if (behavior === undefined) return undefined;
  const seconds = settings.downscaleStabilizationMs / 1000;
  return { up: behavior.scaleUp ?? {}, down: { stabilizationWindowSeconds: seconds, ...behavior.scaleDown } };
}

/** The plan's end, when its rescale has been tried. `error`: why it failed. */
export function rescaled(
  view: Pick<AutoscalerView, "hpa" | "settings">,
  plan: AutoscalerPlan & Required<Pick<AutoscalerPlan, "rescale">>,
  { error, now }: { error?: string; now: Instant },
): AutoscalerPlan {
  const { rescale: { from, to, reason }, status, events, memory } = plan;
  const draft = new Draft({ ...view.hpa, status }, now);
  const size = `New size: ${to}; reason: ${reason}`;
  if (error !== undefined) {
    const message = `the HPA controller was unable to update the target scale: ${error}`;
    draft.set("AbleToScale", "False", "FailedUpdateScale", message);
    const { desiredReplicas = 0, currentMetrics } = view.hpa.status ?? {};
    const failed: PlannedEvent = { type: "Warning", reason: "FailedRescale", message: `${size}; error: ${error}` };
    return { status: draft.status(from, desiredReplicas, currentMetrics), events: [...events, failed], memory };
  }
  const message = `the HPA controller was able to update the target scale to ${to}`;
  draft.set("AbleToScale", "True", "SucceededRescale", message);
  const behavior = behaviorOf(view);
  return {
    status: { ...draft.status(from, to, status.currentMetrics), lastScaleTime: rfc3339(now) },
    events: [...events, { type: "Normal", reason: "SuccessfulRescale", message: size }],
    memory: behavior === undefined || memory === undefined ? memory : remember(memory, { from, to }, { behavior, now }),
  };
}
