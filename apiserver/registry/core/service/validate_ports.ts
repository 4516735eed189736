/** Ports of a Service (validateServicePort and the checks around it). */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Service, ServicePort } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Label, isQualifiedName, isValidPortName, isValidPortNum } from "../../../../lib/validation.ts";
import { validateProtocol } from "../../meta/protocol.ts";
import { isHeadless } from "./traits.ts";

const path = "spec.ports";

export function validatePorts(service: Service): FieldError[] {
  const { ports = [], type } = service.spec;
  if (ports.length === 0 && !isHeadless(service) && type !== "ExternalName") return [fieldError.required(path)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const { name = "" } = port;
    const errors: FieldError[] = [];
    if (name === "" && ports.length > 1) errors.push(fieldError.required(`${at}.name`));
    if (name !== "") {
      errors.push(...isDNS1123Label(name).map((m) => fieldError.invalid(`${at}.name`, name, m)));
      if (names.has(name)) errors.push(fieldError.duplicate(`${at}.name`, name));
      names.add(name);
    }
    return [...errors, ...validatePort(port, at)];
  });
}

function validatePort({ port = 0, protocol, targetPort = 0, appProtocol }: ServicePort, at: string): FieldError[] {
  const wrong = typeof targetPort === "string" ? isValidPortName(targetPort) : isValidPortNum(targetPort);
  const errors = [
    ...isValidPortNum(port).map((m) => fieldError.invalid(`${at}.port`, port, m)),
    ...validateProtocol(protocol, `${at}.protocol`),
    ...wrong.map((m) => fieldError.invalid(`${at}.targetPort`, targetPort, m)),
  ];
  if (appProtocol === undefined) return errors;
  return [
    ...errors,
    ...isQualifiedName(appProtocol).map((m) => fieldError.invalid(`${at}.appProtocol`, appProtocol, m)),
  ];
}

/** Node ports where there may be none, and numbers that are there twice for the same protocol. */
export function validatePortNumbers({ spec: { ports = [], type } }: Service): FieldError[] {
  const errors: FieldError[] = [];
  const nodePorts = new Set<string>();
  const numbers = new Set<string>();
  ports.forEach(({ nodePort }, i) => {
    if (type !== "ClusterIP" || !nodePort) return;
    errors.push(fieldError.forbidden(`${path}[${i}].nodePort`, "may not be used when `type` is 'ClusterIP'"));
  });
  ports.forEach(({ nodePort, protocol }, i) => {
    if (!nodePort) return;
    const key = `${protocol}/${nodePort}`;
    if (nodePorts.has(key)) errors.push(fieldError.duplicate(`${path}[${i}].nodePort`, nodePort));
    nodePorts.add(key);
  });
  ports.forEach(({ port, protocol }, i) => {
    const key = `${protocol}/${port}`;
    // As Kubernetes shows its internal type.
    const shown = { Name: "", Protocol: protocol, AppProtocol: null, Port: port, TargetPort: 0, NodePort: 0 };
    if (numbers.has(key)) errors.push(fieldError.duplicate(`${path}[${i}]`, shown));
    numbers.add(key);
  });
  return errors;
}
