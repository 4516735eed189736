/** What probes and lifecycle hooks do: exec, httpGet, tcpSocket, grpc, sleep. Exactly one of them. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type {
  ExecAction,
  GRPCAction,
  HTTPGetAction,
  SleepAction,
  TCPSocketAction,
} from "../../../../lib/types/core_v1.ts";
import { isHTTPHeaderName, isValidPortName, isValidPortNum } from "../../../../lib/validation.ts";
import { invalids } from "../../meta/messages.ts";
import { checkPresent, checkSupported } from "./checks.ts";

export interface Handler {
  exec?: ExecAction;
  httpGet?: HTTPGetAction;
  tcpSocket?: TCPSocketAction;
  grpc?: GRPCAction;
  sleep?: SleepAction;
}

export function defaultHandler(handler: Handler | undefined): void {
  if (handler?.httpGet !== undefined) {
    handler.httpGet.path ||= "/";
    handler.httpGet.scheme ||= "HTTP";
  }
  if (handler?.grpc !== undefined) handler.grpc.service ??= "";
}

/** `graceSeconds` bounds a sleep; undefined when the spec has none, which is an error of its own. */
export function validateHandler(handler: Handler, graceSeconds: number | undefined, path: string): FieldError[] {
  const { exec, httpGet, tcpSocket, grpc, sleep } = handler;
  const given: [string, FieldError[]][] = [];
  if (exec !== undefined) given.push(["exec", validateExec(exec, `${path}.exec`)]);
  if (httpGet !== undefined) given.push(["httpGet", validateHTTPGet(httpGet, `${path}.httpGet`)]);
  if (tcpSocket !== undefined) given.push(["tcpSocket", validatePort(tcpSocket.port, `${path}.tcpSocket.port`)]);
  if (grpc !== undefined) given.push(["grpc", validatePort(grpc.port, `${path}.grpc.port`)]);
  if (sleep !== undefined) given.push(["sleep", validateSleep(sleep, graceSeconds, `${path}.sleep`)]);
  const [first, ...more] = given;
  if (first === undefined) return [fieldError.required(path, "must specify a handler type")];
  const forbidden = "may not specify more than 1 handler type";
  return [...first[1], ...more.map(([name]) => fieldError.forbidden(`${path}.${name}`, forbidden))];
}

function validateExec(exec: ExecAction, path: string): FieldError[] {
  return (exec.command ?? []).length > 0 ? [] : [fieldError.required(`${path}.command`)];
}

function validateHTTPGet(get: HTTPGetAction, path: string): FieldError[] {
  return [
    ...checkPresent(get.path, `${path}.path`),
    ...validatePort(get.port, `${path}.port`),
    ...checkSupported(get.scheme, `${path}.scheme`, ["HTTP", "HTTPS"]),
    ...(get.httpHeaders ?? []).flatMap(({ name }) =>
      invalids(`${path}.httpHeaders`, name ?? "", isHTTPHeaderName(name ?? ""))
    ),
  ];
}

function validateSleep({ seconds = 0 }: SleepAction, graceSeconds: number | undefined, path: string): FieldError[] {
  if (graceSeconds === undefined || (seconds >= 0 && seconds <= graceSeconds)) return [];
  const detail = `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`;
  return [fieldError.invalid(path, seconds, detail)];
}

/** A number, or the name of one of the container's ports. */
function validatePort(port: number | string | undefined, path: string): FieldError[] {
  const given = port ?? 0;
  return invalids(path, given, typeof given === "number" ? isValidPortNum(given) : isValidPortName(given));
}
