/** Conditions of CertificateSigningRequests: approved, denied, failed (pkg/apis/certificates/validation, strategy). */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition as Condition,
} from "../../../lib/types/certificates_v1.ts";
import { diffText } from "../meta/diff.ts";

const path = "status.conditions";
const decisions = ["Approved", "Denied"];
const lasting = [...decisions, "Failed"];
const statuses = ["False", "True", "Unknown"];

const conditionsOf = ({ status }: CertificateSigningRequest): Condition[] => status?.conditions ?? [];
const ofType = (request: CertificateSigningRequest, type: string) =>
  conditionsOf(request).filter((condition) => condition.type === type);

export function validateConditions(request: CertificateSigningRequest): FieldError[] {
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  conditionsOf(request).forEach(({ type = "", status = "" }, i) => {
    const at = `${path}[${i}]`;
    if (type === "") errors.push(fieldError.required(`${at}.type`));
    const allowed = lasting.includes(type) ? ["True"] : statuses;
    if (status === "") errors.push(fieldError.required(`${at}.status`));
    else if (!allowed.includes(status)) errors.push(fieldError.notSupported(`${at}.status`, status, allowed));
    if (decisions.includes(type) && decisions.some((other) => other !== type && seen.has(other))) {
      errors.push(fieldError.invalid(`${at}.type`, type, "Approved and Denied conditions are mutually exclusive"));
    }
    if (seen.has(type)) errors.push(fieldError.duplicate(`${at}.type`, type));
    seen.add(type);
  });
  return errors;
}

/** `decide`: whether the write may approve or deny. Nothing that was decided is taken back. */
export function validateConditionsUpdate(
  request: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { decide }: { decide: boolean },
): FieldError[] {
  const forbidden = (detail: string) => fieldError.forbidden(path, detail);
  const errors = lasting.filter((type) => ofType(request, type).length < ofType(old, type).length)
    .map((type) => forbidden(`updates may not remove a condition of type ${JSON.stringify(type)}`));
  if (decide) return errors;
  for (const type of decisions) {
    const [now, before] = [ofType(request, type), ofType(old, type)];
    if (now.length > before.length) {
      errors.push(forbidden(`updates may not add a condition of type ${JSON.stringify(type)}`));
    } else if (now.length === before.length && !deepEqual(now, before)) {
      const what = `updates may not modify a condition of type ${JSON.stringify(type)}`;
      errors.push(forbidden(`${what}\n${diffText(before, now, path)}`));
    }
  }
  return errors;
}

/** A write of the status keeps decisions as they were, their times too, unless it adds or removes one: that is refused. */
export function keepDecisions(request: CertificateSigningRequest, old: CertificateSigningRequest): void {
  for (const type of decisions) {
    const before = ofType(old, type);
    if (before.length === 0 || ofType(request, type).length !== before.length) continue;
    let next = 0;
    request.status.conditions = conditionsOf(request).map((condition) =>
      condition.type === type ? { ...before[next++]! } : condition
    );
  }
}

/** Sets the times that the client left out. `now` in ms. */
export function stampConditions(request: CertificateSigningRequest, old: CertificateSigningRequest, now: number): void {
  for (const condition of conditionsOf(request)) {
    condition.lastUpdateTime ??= rfc3339(now);
    const before = conditionsOf(old).find(({ type, status, lastTransitionTime }) =>
      type === condition.type && status === condition.status && lastTransitionTime !== undefined
    );
    condition.lastTransitionTime ??= before?.lastTransitionTime ?? rfc3339(now);
  }
}
