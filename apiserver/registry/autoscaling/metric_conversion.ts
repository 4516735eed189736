/** Metrics of autoscaling/v2 in the form of autoscaling/v1's annotations, and back (pkg/apis/autoscaling/v1/conversion.go). */
import { parseQuantity } from "../../../lib/quantity.ts";
import type * as v1 from "../../../lib/types/autoscaling_v1.ts";
import type * as v2 from "../../../lib/types/autoscaling_v2.ts";

type Type1 = v1.MetricSpec["type"];
const zero = "0";

export function metricToV1(metric: v2.MetricSpec): v1.MetricSpec {
  const { object, pods, resource, containerResource, external } = metric;
  const out: v1.MetricSpec = { type: metric.type as Type1 };
  if (object !== undefined) {
    const { value, averageValue } = object.target;
    const { name: metricName, selector } = object.metric;
    out.object = { target: object.describedObject, metricName, targetValue: value ?? zero, selector, averageValue };
  }
  if (pods !== undefined) {
    const { name: metricName, selector } = pods.metric;
    out.pods = { metricName, targetAverageValue: pods.target.averageValue ?? zero, selector };
  }
  if (resource !== undefined) out.resource = { name: resource.name, ...resourceTargetToV1(resource.target) };
  if (containerResource !== undefined) {
    const { name, container, target } = containerResource;
    out.containerResource = { name, ...resourceTargetToV1(target), container };
  }
  if (external !== undefined) {
    const { name: metricName, selector: metricSelector } = external.metric;
    const { value: targetValue, averageValue: targetAverageValue } = external.target;
    out.external = { metricName, metricSelector, targetValue, targetAverageValue };
  }
  return out;
}

function resourceTargetToV1({ averageUtilization, averageValue }: v2.MetricTarget) {
  return { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue };
}

export function metricToV2(metric: v1.MetricSpec): v2.MetricSpec {
  const { object, pods, resource, containerResource, external } = metric;
  const out: v2.MetricSpec = { type: metric.type };
  if (object !== undefined) {
    const { target: describedObject, metricName: name, targetValue, selector, averageValue } = object;
    // A target by average has no value; v1 can't leave it out and says zero.
    const target = averageValue === undefined
      ? { type: "Value", value: targetValue }
      : { type: "AverageValue", averageValue, ...(isZero(targetValue) ? {} : { value: targetValue }) };
    out.object = { describedObject, target, metric: present({ name, selector }) };
  }
  if (pods !== undefined) {
    const { metricName: name, targetAverageValue: averageValue, selector } = pods;
    out.pods = { metric: present({ name, selector }), target: { type: "AverageValue", averageValue } };
  }
  if (resource !== undefined) out.resource = { name: resource.name, target: resourceTargetToV2(resource) };
  if (containerResource !== undefined) {
    const { name, container } = containerResource;
    out.containerResource = { name, container, target: resourceTargetToV2(containerResource) };
  }
  if (external !== undefined) {
    const { metricName: name, metricSelector: selector, targetValue: value, targetAverageValue: averageValue } =
      external;
    const type = value === undefined ? "AverageValue" : "Value";
    out.external = { metric: present({ name, selector }), target: present({ type, value, averageValue }) };
  }
  return out;
}

function resourceTargetToV2(
  source: { targetAverageUtilization?: number; targetAverageValue?: string },
): v2.MetricTarget {
  const { targetAverageUtilization: averageUtilization, targetAverageValue: averageValue } = source;
  const type = averageUtilization === undefined ? "AverageValue" : "Utilization";
  return present({ type, averageValue, averageUtilization });
}

/** A status is not validated: what it leaves out is empty, as in Go. */
const nothing: v2.MetricValueStatus = {};
const unnamed: v2.MetricIdentifier = { name: "" };

export function metricStatusToV1(status: v2.MetricStatus): v1.MetricStatus {
  const { object, pods, resource, containerResource, external } = status;
  const out: v1.MetricStatus = { type: status.type as Type1 };
  if (object !== undefined) {
    const { value, averageValue } = object.current ?? nothing;
    const { name: metricName, selector } = object.metric ?? unnamed;
    out.object = { target: object.describedObject, metricName, currentValue: value ?? zero, selector, averageValue };
  }
  if (pods !== undefined) {
    const { name: metricName, selector } = pods.metric ?? unnamed;
    out.pods = { metricName, currentAverageValue: (pods.current ?? nothing).averageValue ?? zero, selector };
  }
  if (resource !== undefined) out.resource = { name: resource.name, ...resourceCurrentToV1(resource.current) };
  if (containerResource !== undefined) {
    const { name, container, current } = containerResource;
    out.containerResource = { name, ...resourceCurrentToV1(current), container };
  }
  if (external !== undefined) {
    const { name: metricName, selector: metricSelector } = external.metric ?? unnamed;
    const { value, averageValue: currentAverageValue } = external.current ?? nothing;
    out.external = { metricName, metricSelector, currentValue: value ?? zero, currentAverageValue };
  }
  return out;
}

function resourceCurrentToV1({ averageUtilization, averageValue }: v2.MetricValueStatus = nothing) {
  return { currentAverageUtilization: averageUtilization, currentAverageValue: averageValue ?? zero };
}

export function metricStatusToV2(status: v1.MetricStatus): v2.MetricStatus {
  const { object, pods, resource, containerResource, external } = status;
  const out: v2.MetricStatus = { type: status.type };
  if (object !== undefined) {
    const { target: describedObject, metricName: name, currentValue: value, selector, averageValue } = object;
    out.object = { metric: present({ name, selector }), current: present({ value, averageValue }), describedObject };
  }
  if (pods !== undefined) {
    const { metricName: name, currentAverageValue: averageValue, selector } = pods;
    out.pods = { metric: present({ name, selector }), current: { averageValue } };
  }
  if (resource !== undefined) out.resource = { name: resource.name, current: resourceCurrentToV2(resource) };
  if (containerResource !== undefined) {
    const { name, container } = containerResource;
    out.containerResource = { name, container, current: resourceCurrentToV2(containerResource) };
  }
  if (external !== undefined) {
    const { metricName: name, metricSelector: selector, currentValue: value, currentAverageValue } = external;
    const current = present({ value, averageValue: currentAverageValue });
    out.external = { metric: present({ name, selector }), current };
  }
  return out;
}

function resourceCurrentToV2(
  source: { currentAverageUtilization?: number; currentAverageValue: string },
): v2.MetricValueStatus {
  const { currentAverageUtilization: averageUtilization, currentAverageValue: averageValue } = source;
  return present({ averageValue, averageUtilization });
}

const isZero = (quantity: string | undefined) => quantity === undefined || parseQuantity(quantity).nano === 0n;

/** Without the fields that are not there. */
function present<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
