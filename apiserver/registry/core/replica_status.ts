/** Counts of replicas in a status: none below zero, parts no greater than the whole. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { nonNegativeFields } from "../meta/non_negative.ts";

type Counts = Readonly<Record<string, number | undefined>>;

/** `parts`: counts that may not exceed `status.replicas`, in Kubernetes' order. */
export function validateReplicaCounts(
  status: object,
  { counts, parts, readyName = "readyReplicas" }: {
    counts: readonly string[];
    parts: readonly string[];
    /** How the count of ready replicas is called in messages. */
    readyName?: string;
  },
): FieldError[] {
  const values = status as Counts;
  const count = (name: string) => values[name] ?? 0;
  const errors = nonNegativeFields(values, counts, "status");
  for (const name of parts) {
    if (count(name) <= count("replicas")) continue;
    errors.push(fieldError.invalid(`status.${name}`, count(name), "cannot be greater than status.replicas"));
  }
  if (count("availableReplicas") > count("readyReplicas")) {
    const detail = `cannot be greater than ${readyName}`;
    errors.push(fieldError.invalid("status.availableReplicas", count("availableReplicas"), detail));
  }
  return errors;
}

/** The count of name collisions only grows. */
export function collisionErrors(now: number | undefined, old: number | undefined): FieldError[] {
  if (old === undefined || (now !== undefined && now >= old)) return [];
  return [fieldError.invalid("status.collisionCount", now ?? 0, "cannot be decremented")];
}
