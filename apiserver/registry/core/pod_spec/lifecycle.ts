/** Lifecycle hooks and the signal that stops a container. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { Lifecycle, PodOS } from "../../../../lib/types/core_v1.ts";
import { defaultHandler, validateHandler } from "./handlers.ts";

const range = (prefix: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, i) => `${prefix}${from + i}`);

/** Sorted, as Kubernetes shows them. */
const linuxSignals: readonly string[] = [
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM".split(
    " ",
  ),
  ..."TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split(" "),
  ...range("RTMIN+", 1, 15),
  ...range("RTMAX-", 1, 14),
].map((name) => `SIG${name}`).sort();

const windowsSignals = ["SIGKILL", "SIGTERM"];

export function defaultLifecycle(lifecycle: Lifecycle | undefined): void {
  defaultHandler(lifecycle?.postStart);
  defaultHandler(lifecycle?.preStop);
}

export interface LifecycleContext {
  /** The pod's terminationGracePeriodSeconds. */
  graceSeconds: number | undefined;
  os: PodOS | undefined;
}

export function validateLifecycle(
  lifecycle: Lifecycle | undefined,
  { graceSeconds, os }: LifecycleContext,
  path: string,
): FieldError[] {
  if (lifecycle === undefined) return [];
  const { postStart, preStop, stopSignal } = lifecycle;
  return [
    ...(postStart === undefined ? [] : validateHandler(postStart, graceSeconds, `${path}.postStart`)),
    ...(preStop === undefined ? [] : validateHandler(preStop, graceSeconds, `${path}.preStop`)),
    ...(stopSignal === undefined ? [] : validateStopSignal(stopSignal, os, `${path}.stopSignal`)),
  ];
}

function validateStopSignal(signal: string, os: PodOS | undefined, path: string): FieldError[] {
  if (os === undefined) {
    return [fieldError.forbidden(path, "may not be set for containers with empty `spec.os.name`")];
  }
  const supported = os.name === "windows" ? windowsSignals : linuxSignals;
  const known = os.name === "windows" || os.name === "linux";
  return !known || supported.includes(signal) ? [] : [fieldError.notSupported(path, signal, supported)];
}
