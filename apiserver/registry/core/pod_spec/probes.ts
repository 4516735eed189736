/** Liveness, readiness and startup probes. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, Probe } from "../../../../lib/types/core_v1.ts";
import { nonNegativeFields } from "../../meta/non_negative.ts";
import { defaultHandler, validateHandler } from "./handlers.ts";

type Probed = Pick<Container, "livenessProbe" | "readinessProbe" | "startupProbe">;

export function defaultProbes(container: Probed): void {
  for (const probe of [container.livenessProbe, container.readinessProbe, container.startupProbe]) {
    if (probe === undefined) continue;
    probe.timeoutSeconds ||= 1;
    probe.periodSeconds ||= 10;
    probe.successThreshold ||= 1;
    probe.failureThreshold ||= 3;
    defaultHandler(probe);
  }
}

export function validateProbes(container: Probed, graceSeconds: number | undefined, path: string): FieldError[] {
  return [
    ...validateKillingProbe(container.livenessProbe, graceSeconds, `${path}.livenessProbe`),
    ...validateReadinessProbe(container.readinessProbe, graceSeconds, `${path}.readinessProbe`),
    ...validateKillingProbe(container.startupProbe, graceSeconds, `${path}.startupProbe`),
  ];
}

/** Probes that have the container restarted: one success is enough. */
function validateKillingProbe(probe: Probe | undefined, graceSeconds: number | undefined, path: string): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateProbe(probe, graceSeconds, path);
  const threshold = probe.successThreshold ?? 0;
  if (threshold !== 1) errors.push(fieldError.invalid(`${path}.successThreshold`, threshold, "must be 1"));
  return errors;
}

function validateReadinessProbe(
  probe: Probe | undefined,
  graceSeconds: number | undefined,
  path: string,
): FieldError[] {
  if (probe === undefined) return [];
  const errors = validateProbe(probe, graceSeconds, path);
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined) {
    const at = `${path}.terminationGracePeriodSeconds`;
    errors.push(fieldError.invalid(at, grace, "must not be set for readinessProbes"));
  }
  return errors;
}

function validateProbe(probe: Probe, graceSeconds: number | undefined, path: string): FieldError[] {
  const errors = validateHandler(probe, graceSeconds, path);
  errors.push(...nonNegativeFields(
    probe,
    ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"],
    path,
  ));
  const grace = probe.terminationGracePeriodSeconds;
  if (grace !== undefined && grace <= 0) {
    errors.push(fieldError.invalid(`${path}.terminationGracePeriodSeconds`, grace, "must be greater than 0"));
  }
  return errors;
}
