/** Kernel parameters of a pod's namespaces. Which of them are safe is for the node to say. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";

const segment = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const pattern = `^(${segment}[\\./])*${segment}$`;
const name = new RegExp(pattern);
const nameCharactersMax = 253;

/** `path` is that of the list. */
export function validateSysctls(spec: PodSpec, path: string): FieldError[] {
  const seen = new Set<string>();
  return (spec.securityContext?.sysctls ?? []).flatMap((sysctl, i) => {
    const at = `${path}[${i}].name`;
    const errors: FieldError[] = [];
    if (!sysctl.name) errors.push(fieldError.required(at));
    else if (sysctl.name.length > nameCharactersMax || !name.test(sysctl.name)) {
      const detail = `must have at most ${nameCharactersMax} characters and match regex ${pattern}`;
      errors.push(fieldError.invalid(at, sysctl.name, detail));
    } else if (seen.has(sysctl.name)) errors.push(fieldError.duplicate(at, sysctl.name));
    seen.add(sysctl.name);
    return [...errors, ...validateNamespace(sysctl.name ?? "", spec, at)];
  });
}

/** A namespace that is the host's is not the pod's to change. */
function validateNamespace(sysctl: string, spec: PodSpec, path: string): FieldError[] {
  const namespace = namespaceOf(dotted(sysctl));
  if (spec.hostNetwork && namespace === "net") {
    return [fieldError.invalid(path, sysctl, "may not be specified when 'hostNetwork' is true")];
  }
  if (spec.hostIPC && namespace === "ipc") {
    return [fieldError.invalid(path, sysctl, "may not be specified when 'hostIPC' is true")];
  }
  return [];
}

/** With a slash as its first separator, slashes separate and dots are part of a name: `net/ipv4/conf/eth0.1/mtu`. */
function dotted(sysctl: string): string {
  const first = /[./]/.exec(sysctl)?.[0];
  return first === "/" ? sysctl.replace(/[./]/g, (c) => c === "/" ? "." : "/") : sysctl;
}

function namespaceOf(sysctl: string): "ipc" | "net" | undefined {
  if (sysctl.startsWith("net.")) return "net";
  return sysctl === "kernel.sem" || /^(?:kernel\.shm|kernel\.msg|fs\.mqueue\.)/.test(sysctl) ? "ipc" : undefined;
}
