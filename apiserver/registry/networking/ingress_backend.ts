/** Where an Ingress sends requests: a port of a Service, or another object (validateIngressBackend). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { IngressBackend, IngressServiceBackend } from "../../../lib/types/networking_v1.ts";
import { isDNS1123Label, isValidPortName, isValidPortNum } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";
import { validateTypedReference } from "./object_reference.ts";

export function validateBackend(backend: IngressBackend | undefined, path: string): FieldError[] {
  const { resource, service } = backend ?? {};
  if (resource !== undefined && service !== undefined) {
    return [fieldError.invalid(path, "", "cannot set both resource and service backends")];
  }
  if (resource !== undefined) return validateTypedReference(resource, `${path}.resource`);
  if (service !== undefined) return validateService(service, path);
  return [fieldError.invalid(path, "", "resource or service backend is required")];
}

function validateService({ name = "", port }: IngressServiceBackend, path: string): FieldError[] {
  const at = `${path}.service`;
  const errors = name === "" ? [fieldError.required(`${at}.name`)] : invalids(`${at}.name`, name, isDNS1123Label(name));
  const { name: portName = "", number = 0 } = port ?? {};
  if (portName !== "" && number !== 0) {
    errors.push(fieldError.invalid(path, "", "cannot set both port name & port number"));
  } else if (portName !== "") {
    errors.push(...invalids(`${at}.port.name`, portName, isValidPortName(portName)));
  } else if (number !== 0) {
    errors.push(...invalids(`${at}.port.number`, number, isValidPortNum(number)));
  } else errors.push(fieldError.required(path, "port name or number is required"));
  return errors;
}
