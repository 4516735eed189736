/** A user namespace of the pod's own, and what of the host's it can't be joined with. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import { visitContainers } from "./visit.ts";

/** `path` is the spec's; `HostPID` and `HostIPC` are spelled so by Kubernetes. */
export function validateHostUsers(spec: PodSpec, path: string): FieldError[] {
  if (spec.hostUsers !== false) return [];
  const refuse = (field: string) => fieldError.forbidden(field, "when `hostUsers` is false");
  const errors: FieldError[] = [];
  if (spec.hostNetwork) errors.push(refuse(`${path}.hostNetwork`));
  if (spec.hostPID) errors.push(refuse(`${path}.HostPID`));
  if (spec.hostIPC) errors.push(refuse(`${path}.HostIPC`));
  for (const [container, at] of visitContainers(spec, path)) {
    if ((container.volumeDevices ?? []).length > 0) errors.push(refuse(`${at}.volumeDevices`));
  }
  return errors;
}
