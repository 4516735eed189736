/** What a HorizontalPodAutoscaler may scale by (pkg/apis/autoscaling/validation, validateMetrics). */
import { parseQuantity } from "../../../lib/quantity.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  ContainerResourceMetricSource,
  ExternalMetricSource,
  MetricIdentifier,
  MetricSpec,
  MetricTarget,
  ObjectMetricSource,
  PodsMetricSource,
  ResourceMetricSource,
} from "../../../lib/types/autoscaling_v2.ts";
import { isDNS1123Label, isValidPathSegmentName } from "../../../lib/validation.ts";
import { validateContainerResourceName } from "../meta/resource_name.ts";
import { validateTargetReference } from "./target_reference.ts";

const metricTypes = ["ContainerResource", "External", "Object", "Pods", "Resource"];
const targetTypes = ["Utilization", "Value", "AverageValue"];

type Target = Partial<MetricTarget>;

/** The sources in the order in which they are looked at: only the first one given is looked into. */
const sources = {
  object: validateObject,
  external: validateExternal,
  pods: validatePods,
  resource: validateResource,
  containerResource: validateContainerResource,
} as const;
type Source = keyof typeof sources;
const sourceNames = Object.keys(sources) as Source[];
const sourceOf: Readonly<Record<string, Source>> = {
  Object: "object",
  Pods: "pods",
  Resource: "resource",
  External: "external",
  ContainerResource: "containerResource",
};

export function validateMetricSpec(spec: MetricSpec, path: string): FieldError[] {
  const { type = "" } = spec;
  const errors: FieldError[] = [];
  if (type === "") errors.push(fieldError.required(`${path}.type`, "must specify a metric source type"));
  const unknown = fieldError.notSupported(`${path}.type`, type, metricTypes);
  if (!metricTypes.includes(type)) errors.push(unknown);
  const given = sourceNames.filter((name) => spec[name] !== undefined);
  const first = given[0];
  if (first !== undefined) errors.push(...validateSource(spec, first, `${path}.${first}`));
  const expected = sourceOf[type];
  if (expected === undefined) errors.push(unknown);
  else if (spec[expected] === undefined) {
    errors.push(fieldError.required(`${path}.${expected}`, "must populate information for the given metric source"));
  }
  if (given.length === 1) return errors;
  for (const name of given) {
    if (name === expected) continue;
    errors.push(fieldError.forbidden(`${path}.${name}`, "must populate the given metric source only"));
  }
  return errors;
}

function validateSource(spec: MetricSpec, name: Source, path: string): FieldError[] {
  const validate = sources[name] as (source: unknown, path: string) => FieldError[];
  return validate(spec[name], path);
}

function validateObject(source: ObjectMetricSource, path: string): FieldError[] {
  const target: Target = source.target ?? {};
  const errors = [
    ...validateTargetReference(source.describedObject, `${path}.describedObject`, { group: "optional" }),
    ...validateMetric(source.metric, `${path}.metric`),
    ...validateTarget(target, `${path}.target`),
  ];
  if (target.value === undefined && target.averageValue === undefined) {
    const detail = "must set either a target value or averageValue";
    errors.push(fieldError.required(`${path}.target.averageValue`, detail));
  }
  return errors;
}

function validateExternal(source: ExternalMetricSource, path: string): FieldError[] {
  const target: Target = source.target ?? {};
  const errors = [...validateMetric(source.metric, `${path}.metric`), ...validateTarget(target, `${path}.target`)];
  const [value, average] = [target.value !== undefined, target.averageValue !== undefined];
  if (!value && !average) {
    const detail = "must set either a target value for metric or a per-pod target";
    errors.push(fieldError.required(`${path}.target.averageValue`, detail));
  }
  if (value && average) {
    const detail = "may not set both a target value for metric and a per-pod target";
    errors.push(fieldError.forbidden(`${path}.target.value`, detail));
  }
  return errors;
}

function validatePods(source: PodsMetricSource, path: string): FieldError[] {
  const target: Target = source.target ?? {};
  const errors = [...validateMetric(source.metric, `${path}.metric`), ...validateTarget(target, `${path}.target`)];
  if (target.averageValue === undefined) {
    errors.push(fieldError.required(`${path}.target.averageValue`, "must specify a positive target averageValue"));
  }
  return errors;
}

function validateResource(source: ResourceMetricSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!source.name) errors.push(fieldError.required(`${path}.name`, "must specify a resource name"));
  return [...errors, ...validateResourceTarget(source.target, `${path}.target`)];
}

function validateContainerResource(source: ContainerResourceMetricSource, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { name = "", container = "" } = source;
  if (name === "") errors.push(fieldError.required(`${path}.name`, "must specify a resource name"));
  else errors.push(...validateContainerResourceName(name, `${path}.name`));
  if (container === "") errors.push(fieldError.required(`${path}.container`, "must specify a container"));
  else errors.push(...isDNS1123Label(container).map((m) => fieldError.invalid(`${path}.container`, container, m)));
  return [...errors, ...validateResourceTarget(source.target, `${path}.target`)];
}

function validateResourceTarget(given: MetricTarget | undefined, path: string): FieldError[] {
  const target: Target = given ?? {};
  const errors = validateTarget(target, path);
  const [utilization, average] = [target.averageUtilization !== undefined, target.averageValue !== undefined];
  if (!utilization && !average) {
    const detail = "must set either a target raw value or a target utilization";
    errors.push(fieldError.required(`${path}.averageUtilization`, detail));
  }
  if (utilization && average) {
    const detail = "may not set both a target raw value and a target utilization";
    errors.push(fieldError.forbidden(`${path}.averageValue`, detail));
  }
  return errors;
}

function validateTarget(target: Target, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const { type = "" } = target;
  if (type === "") errors.push(fieldError.required(`${path}.type`, "must specify a metric target type"));
  if (!targetTypes.includes(type)) {
    errors.push(fieldError.invalid(`${path}.type`, type, "must be either Utilization, Value, or AverageValue"));
  }
  for (const name of ["value", "averageValue"] as const) {
    const value = target[name];
    if (value === undefined || parseQuantity(value).nano > 0n) continue;
    errors.push(fieldError.invalid(`${path}.${name}`, value, "must be positive"));
  }
  const utilization = target.averageUtilization;
  if (utilization !== undefined && utilization < 1) {
    errors.push(fieldError.invalid(`${path}.averageUtilization`, utilization, "must be greater than 0"));
  }
  return errors;
}

function validateMetric(metric: MetricIdentifier | undefined, path: string): FieldError[] {
  const name = metric?.name ?? "";
  if (name === "") return [fieldError.required(`${path}.name`, "must specify a metric name")];
  return isValidPathSegmentName(name).map((m) => fieldError.invalid(`${path}.name`, name, m));
}
