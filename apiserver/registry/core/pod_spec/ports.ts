/** Ports of containers, and how they meet the host's. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Container, ContainerPort, PodSpec } from "../../../../lib/types/core_v1.ts";
import { isValidPortName, isValidPortNum } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkRequiredEnum } from "./checks.ts";

const protocols = ["SCTP", "TCP", "UDP"];

export function defaultPorts(ports: ContainerPort[] | undefined): void {
  for (const port of ports ?? []) port.protocol ||= "TCP";
}

/** Pods on the host's network listen on the host itself. Only in Pods: templates stay as they are. */
export function defaultHostPorts(containers: readonly Container[] | undefined): void {
  for (const container of containers ?? []) {
    for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
  }
}

export function validatePorts(ports: readonly ContainerPort[] | undefined, path: string): FieldError[] {
  const names = new Set<string>();
  return (ports ?? []).flatMap((port, i) => validatePort(port, `${path}[${i}]`, names));
}

function validatePort(port: ContainerPort, path: string, names: Set<string>): FieldError[] {
  const errors: FieldError[] = [];
  if (port.name) {
    const wrong = isValidPortName(port.name);
    if (wrong.length > 0) errors.push(...invalids(`${path}.name`, port.name, wrong));
    else if (names.has(port.name)) errors.push(fieldError.duplicate(`${path}.name`, port.name));
    else names.add(port.name);
  }
  if (!port.containerPort) errors.push(fieldError.required(`${path}.containerPort`));
  else errors.push(...invalids(`${path}.containerPort`, port.containerPort, isValidPortNum(port.containerPort)));
  if (port.hostPort) errors.push(...invalids(`${path}.hostPort`, port.hostPort, isValidPortNum(port.hostPort)));
  errors.push(...checkRequiredEnum(port.protocol, `${path}.protocol`, protocols));
  return errors;
}

/** A host port is taken once by all of these containers together. `path` is that of the list. */
export function validateHostPortConflicts(containers: readonly Container[], path: string): FieldError[] {
  const errors: FieldError[] = [];
  const taken = new Set<string>();
  containers.forEach((container, i) => {
    (container.ports ?? []).forEach((port, j) => {
      if (!port.hostPort) return;
      const key = `${port.protocol ?? ""}/${port.hostIP ?? ""}/${port.hostPort}`;
      if (taken.has(key)) errors.push(fieldError.duplicate(`${path}[${i}].ports[${j}].hostPort`, key));
      taken.add(key);
    });
  });
  return errors;
}

/** On the host's network a port is the host's. Templates may leave it out: the Pod gets it by default. */
export function validateHostNetworkPorts(spec: PodSpec, path: string, { isPod }: { isPod: boolean }): FieldError[] {
  if (!spec.hostNetwork) return [];
  return (spec.containers ?? []).flatMap((container, i) =>
    (container.ports ?? []).flatMap((port, j) => {
      const hostPort = port.hostPort ?? 0;
      if (hostPort === port.containerPort || (!isPod && hostPort === 0)) return [];
      const detail = "must match `containerPort` when `hostNetwork` is true";
      return [fieldError.invalid(`${path}.containers[${i}].ports[${j}].hostPort`, hostPort, detail)];
    })
  );
}
