/** Annotations from before there were fields: taints and pods to avoid (ValidateNodeSpecificAnnotations). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Taint } from "../../../../lib/types/core_v1.ts";
import { validateTaints } from "./taints.ts";

const taintsKey = "scheduler.alpha.kubernetes.io/taints";
const avoidKey = "scheduler.alpha.kubernetes.io/preferAvoidPods";
const path = "metadata.annotations";

export function validateNodeAnnotations(annotations: Readonly<Record<string, string>> | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const taints = annotations?.[taintsKey];
  if (taints) {
    const parsed = parse(taints);
    if (!Array.isArray(parsed)) errors.push(fieldError.invalid(path, taintsKey, "must be a JSON list of taints"));
    else errors.push(...validateTaints(parsed as Taint[], `${path}.${taintsKey}`));
  }
  const avoid = annotations?.[avoidKey];
  if (avoid) errors.push(...validateAvoidPods(parse(avoid)));
  return errors;
}

interface AvoidPods {
  preferAvoidPods?: { podSignature?: { podController?: { controller?: boolean } } }[];
}

function validateAvoidPods(avoid: unknown): FieldError[] {
  if (typeof avoid !== "object" || avoid === null) {
    return [fieldError.invalid(`${path}.AvoidPods`, avoidKey, "must be a JSON object")];
  }
  const { preferAvoidPods: entries = [] } = avoid as AvoidPods;
  return entries.flatMap((entry, i) => {
    const at = `${path}.${avoidKey}[${i}].PodSignature`;
    const controller = entry.podSignature?.podController;
    if (controller === undefined) return [fieldError.required(at)];
    if (controller.controller) return [];
    return [fieldError.invalid(`${at}.PodController.Controller`, false, "must point to a controller")];
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
