/** The kubelet's paths for streams: which pod, which container, with which options. */
import { statusError } from "../../lib/status.ts";
import type { CommandOptions } from "./remote_command.ts";

export type Purpose = "exec" | "attach" | "portForward" | "logs";

export interface StreamRequest {
  readonly purpose: Purpose;
  readonly namespace: string;
  readonly pod: string;
  readonly container?: string;
  readonly params: URLSearchParams;
}

const purposes: Readonly<Record<string, Purpose>> = {
  exec: "exec",
  attach: "attach",
  portForward: "portForward",
  containerLogs: "logs",
};

/** Undefined for a path that is none of these. `url` may lack its host. Throws StatusError for a path with parts missing. */
export function parseStreamPath(url: string): StreamRequest | undefined {
  const { pathname, searchParams } = new URL(url, "https://node");
  const [name = "", ...rest] = pathname.slice(1).split("/").map(decodeURIComponent);
  const purpose = purposes[name];
  if (purpose === undefined) return undefined;
  const [namespace = "", pod = ""] = rest;
  // A uid may stand before the container's name; the pod's name says enough.
  const container = rest.length > 2 ? rest.at(-1) : undefined;
  const needsContainer = purpose !== "portForward";
  if (namespace === "" || pod === "" || rest.length > 4 || (needsContainer && !container)) {
    throw statusError(
      "NotFound",
      `no such path: /${name}/{namespace}/{pod}${needsContainer ? "/{container}" : ""} is one`,
    );
  }
  return { purpose, namespace, pod, ...(needsContainer ? { container } : {}), params: searchParams };
}

/** The streams that an exec or attach asks for: the kubelet's `input=1`, and the API's `stdin=true`. Throws StatusError. */
export function parseCommandOptions(params: URLSearchParams): CommandOptions {
  const flag = (...names: string[]) => names.some((name) => ["1", "true"].includes(params.get(name) ?? ""));
  const tty = flag("tty");
  const options = {
    stdin: flag("input", "stdin"),
    stdout: flag("output", "stdout"),
    // A terminal has one output.
    stderr: flag("error", "stderr") && !tty,
    tty,
  };
  if (!options.stdin && !options.stdout && !options.stderr) {
    throw statusError("BadRequest", "you must specify at least 1 of stdin, stdout, stderr");
  }
  return options;
}

/** The ports of an older port-forward request: repeated, or with commas. Throws StatusError. */
export function parsePorts(params: URLSearchParams): number[] {
  const texts = [...params.getAll("ports"), ...params.getAll("port")].flatMap((text) => text.split(","));
  const ports = texts.filter((text) => text !== "").map(Number);
  if (ports.length === 0) throw statusError("BadRequest", 'query parameter "port" is required');
  const bad = ports.find((port) => !Number.isInteger(port) || port < 1 || port > 65535);
  if (bad !== undefined) throw statusError("BadRequest", `invalid port ${bad}`);
  return ports;
}
