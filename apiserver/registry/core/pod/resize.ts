/**
 * `pods/resize`: other amounts of CPU and memory for the containers of a pod, which its node grants or not
 * (ValidatePodResize of pkg/apis/core/validation, dropNonResizeUpdates of pkg/registry/core/pod). Leaves out amounts of the pod as a
 * whole: they are refused as by a Kubernetes without InPlacePodLevelResourcesVerticalScaling.
 */
import { clone, deepEqual, isObject } from "../../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, Pod, ResourceRequirements } from "../../../../lib/types/core_v1.ts";
import type { ActionSubresource } from "../../../rest/resource.ts";
import { isMirrorPod } from "./annotations.ts";
import { qosClass } from "./qos.ts";
import { defaultPod, validatePod } from "./spec.ts";

export const podResize: ActionSubresource<Pod> = {
  do: "write",
  verbs: ["get", "patch", "update"],
  kind: { group: "", version: "v1", kind: "Pod" },
  definition: "io.k8s.api.core.v1.Pod",
  writes: "spec",
  narrow: resizeConfig,
  apply: (pod, body) => resizePod(pod, body as Pod),
};

const lists = ["containers", "initContainers"] as const;
const fields = ["resources", "resizePolicy"] as const;

/** Of an applied configuration what this subresource writes: nobody owns more through it. */
function resizeConfig(config: Record<string, unknown>): Record<string, unknown> {
  const { apiVersion, kind, metadata, spec } = config;
  const narrowed: Record<string, unknown> = {};
  for (const list of lists) {
    const containers = isObject(spec) ? spec[list] : undefined;
    if (!Array.isArray(containers)) continue;
    narrowed[list] = containers.map((container) => {
      if (!isObject(container)) return container;
      const kept = Object.entries(container).filter(([name]) => name === "name" || fields.includes(name as never));
      return Object.fromEntries(kept);
    });
  }
  return { apiVersion, kind, metadata, spec: narrowed };
}

/** Changes the pod; of the body only its containers' resources and resize policies count. */
function resizePod(pod: Pod, body: Pod): FieldError[] {
  if (isSet(pod.spec.resources) || isSet(body.spec?.resources)) return refused("pods with pod-level resources");
  if (isMirrorPod(pod)) return refused("static pods");
  if (pod.spec.os?.name === "windows") return refused("windows pods");
  const old = clone(pod);
  const order = lists.flatMap((list) => orderErrors(list, body.spec?.[list] ?? [], old.spec[list] ?? []));
  if (order.length > 0) return order;
  for (const list of lists) pod.spec[list]?.forEach((container, i) => take(container, body.spec[list]![i]!));
  defaultPod(pod);
  const errors = [...validatePod(pod), ...classErrors(pod, old), ...removalErrors(pod, old), ...otherErrors(pod, old)];
  const { metadata } = pod;
  if (!deepEqual(old.spec, pod.spec)) metadata.generation = (metadata.generation ?? 0) + 1;
  return errors;
}

const refused = (what: string) => [fieldError.forbidden("", `${what} cannot be resized`)];

const isSet = (resources: ResourceRequirements | undefined) =>
  [resources?.requests, resources?.limits].some((list) => Object.keys(list ?? {}).length > 0);

function orderErrors(list: typeof lists[number], now: readonly Container[], old: readonly Container[]): FieldError[] {
  if (now.length !== old.length) {
    return [fieldError.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`)];
  }
  return now.flatMap(({ name }, i) =>
    name === old[i]!.name
      ? []
      : [fieldError.forbidden(`spec.${list}[${i}].name`, `${list} may not be renamed or reordered on resize`)]
  );
}

function take(container: Container, from: Container): void {
  for (const field of fields) {
    if (from[field] === undefined) delete container[field];
    else Object.assign(container, { [field]: clone(from[field]) });
  }
}

function classErrors(pod: Pod, old: Pod): FieldError[] {
  const errors: FieldError[] = [];
  if ((old.status.qosClass ?? qosClass(old.spec)) !== qosClass(pod.spec)) {
    const detail = "Pod QOS Class may not change as a result of resizing";
    errors.push(fieldError.invalid("spec", pod.status.qosClass ?? "", detail));
  }
  // Agents that can resize say what a running container has.
  const running = (old.status.containerStatuses ?? []).find(({ state }) => state?.running !== undefined);
  if (running !== undefined && running.resources === undefined) {
    errors.push(fieldError.forbidden("spec", "Pod running on node without support for resize"));
  }
  return errors;
}

/** What was said once may become another amount, and not be taken back. */
function removalErrors(pod: Pod, old: Pod): FieldError[] {
  return (["initContainers", "containers"] as const).flatMap((list) =>
    (old.spec[list] ?? []).flatMap(({ resources: before }, i) => {
      const now = pod.spec[list]![i]!.resources;
      return (["requests", "limits"] as const).flatMap((what) => {
        const removed = Object.keys(before?.[what] ?? {}).some((name) => now?.[what]?.[name] === undefined);
        const path = `spec.${list}[${i}].resources.${what}`;
        return removed ? [fieldError.forbidden(path, `resource ${what} cannot be removed`)] : [];
      });
    })
  );
}

/** Nothing but CPU and memory may change, of containers that are not meant to be started again in place only. */
function otherErrors(pod: Pod, old: Pod): FieldError[] {
  const errors = pod.spec.containers.flatMap((container, i) =>
    sameButAmounts(container, old.spec.containers[i]!)
      ? []
      : [fieldError.forbidden("spec", "only cpu and memory resources are mutable")]
  );
  (pod.spec.initContainers ?? []).forEach((container, i) => {
    const before = old.spec.initContainers![i]!;
    const path = `spec.initContainers[${i}]`;
    if (!sameButAmounts(container, before)) {
      const detail = "only cpu and memory resources for init or sidecar containers are mutable";
      errors.push(fieldError.forbidden(path, detail));
    }
    const restarts = (container.resizePolicy ?? []).some(({ restartPolicy }) => restartPolicy === "RestartContainer");
    if (restarts && container.restartPolicy !== "Always" && !deepEqual(container, before)) {
      const detail = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
      errors.push(fieldError.forbidden(path, detail));
    }
  });
  return errors;
}

const sameButAmounts = (container: Container, old: Container) =>
  deepEqual(container.resizePolicy ?? [], old.resizePolicy ?? []) &&
  deepEqual(othersOf(container.resources), othersOf(old.resources));

function othersOf(resources: ResourceRequirements | undefined) {
  const others = (list: Readonly<Record<string, string>> | undefined) =>
    Object.fromEntries(Object.entries(list ?? {}).filter(([name]) => name !== "cpu" && name !== "memory"));
  return {
    requests: others(resources?.requests),
    limits: others(resources?.limits),
    claims: (resources?.claims ?? []) as unknown[],
  } as never;
}
