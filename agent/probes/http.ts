/** HTTP probes and HTTP hooks: one request without kept connections, certificates unchecked, as k8s.io/kubernetes/pkg/probe/http. */
import http from "node:http";
import https from "node:https";
import { probeOutputBytesMax, probeRedirectsMax } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Container, HTTPGetAction } from "../../lib/types/core_v1.ts";
import type { Outcome } from "./machine.ts";
import { dialError } from "./dial_error.ts";
import { hostPort, portOf } from "./target.ts";

export interface HttpGet {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The request that an action asks for. Throws PortError. */
export function httpGetOf(action: HTTPGetAction, container: Container, podIP: string): HttpGet {
  const scheme = (action.scheme ?? "HTTP").toLowerCase();
  const host = action.host === undefined || action.host === "" ? podIP : action.host;
  const path = action.path ?? "/";
  const headers: Record<string, string> = { "user-agent": "kube-probe/1.36", accept: "*/*" };
  for (const { name, value } of action.httpHeaders ?? []) {
    // An empty value takes the header away.
    if (value === "") delete headers[name.toLowerCase()];
    else headers[name.toLowerCase()] = value;
  }
  const url = `${scheme}://${hostPort(host, portOf(container, action.port))}${path.startsWith("/") ? "" : "/"}${path}`;
  return { url, headers };
}

interface Answer {
  status: number;
  location: string | undefined;
  body: string;
}

function request({ url, headers }: HttpGet, signal: AbortSignal): Promise<Answer> {
  const library = url.startsWith("https:") ? https : http;
  return new Promise((resolve, reject) => {
    // As lenient as Go's parser: small servers end their header lines with a bare line feed.
    const lenient = { insecureHTTPParser: true };
    const options = { ...lenient, headers, agent: false, rejectUnauthorized: false, signal } as https.RequestOptions;
    const outgoing = library.request(url, options, (incoming) => {
      let body = "";
      const finish = () => {
        resolve({ status: incoming.statusCode ?? 0, location: incoming.headers.location, body });
        outgoing.destroy();
      };
      incoming.setEncoding("utf8");
      incoming.on("data", (chunk: string) => {
        body += chunk;
        if (body.length >= probeOutputBytesMax) finish();
      });
      incoming.on("end", finish);
      incoming.on("error", reject);
    });
    outgoing.on("error", reject);
    outgoing.end();
  });
}

/** Runs one request to its last redirect within the time. Redirects to another host are not followed. */
export async function probeHttp(
  get: HttpGet,
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<Outcome> {
  const stop = new AbortController();
  const cancel = clock.after(timeoutMs, () => stop.abort());
  let { url } = get;
  try {
    for (let redirects = 0;; redirects++) {
      const { status, location, body } = await request({ url, headers: get.headers }, stop.signal);
      const redirected = status >= 300 && status < 400 && location !== undefined && URL.canParse(location, url);
      if (redirected && redirects < probeRedirectsMax) {
        const next = new URL(location, url);
        if (next.hostname !== new URL(url).hostname) {
          return { result: "success", message: `Probe terminated redirects, Response body: ${body}` };
        }
        url = next.href;
        continue;
      }
      if (redirected) {
        return {
          result: "failure",
          message: `Get ${JSON.stringify(url)}: stopped after ${probeRedirectsMax} redirects`,
        };
      }
      if (status >= 200 && status < 400) return { result: "success", message: body };
      return { result: "failure", message: `HTTP probe failed with statuscode: ${status}` };
    }
  } catch (error) {
    const why = stop.signal.aborted
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : dialError(error, new URL(url).host);
    return { result: "failure", message: `Get ${JSON.stringify(url)}: ${why}` };
  } finally {
    cancel();
  }
}
