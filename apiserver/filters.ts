/** What every request passes on its way to the REST machinery, in the order in which it runs. */
import type { MiddlewareHandler } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";
import { getLogger } from "log";
import * as limits from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import { parseFieldSelector, requiredFieldValue } from "../lib/selector/fields.ts";
import { statusError } from "../lib/status.ts";
import { authenticate as ask, type Authenticator } from "./auth/authenticate.ts";
import { impersonated } from "./auth/impersonate.ts";
import { authorize as decide, type Authorizer } from "./auth/authorize.ts";
import type { Access } from "./auth/rules.ts";
import type { User } from "./auth/user.ts";
import type { Metrics } from "./metrics.ts";
import { parseRequestInfo, type RequestInfo } from "./rest/request_info.ts";
import { errorResponse } from "./rest/status_answer.ts";

/** What comes with a request besides itself. */
export interface Bindings {
  /** Set for requests that came over a connection. */
  incoming?: IncomingMessage;
  outgoing?: ServerResponse;
  /** Set by code of this process only: it has been told who asks. */
  user?: User;
  /** Set for an upgrade: where the REST machinery sends it. */
  upgrade?: { target?: unknown };
}

export interface Variables {
  info: RequestInfo;
  user: User;
}

export type Filter = MiddlewareHandler<{ Bindings: Bindings; Variables: Variables }>;

const logger = getLogger(["sauropod", "apiserver"]);

/** Everything thrown further in becomes a Status; what is no expected failure is logged. */
export const recover: Filter = async (c, next) => {
  await next();
  if (c.error !== undefined) c.res = errorResponse(c.error);
};

/** What the URL and the method ask for. */
export const requestInfo: Filter = async (c, next) => {
  c.set("info", parseRequestInfo(c.req.method, new URL(c.req.url)));
  await next();
};

/** Counts and times it; long-running requests are counted while they run. */
export function measure(metrics: Metrics, clock: Clock): Filter {
  return async (c, next) => {
    const info = c.get("info");
    const started = clock.now();
    await next();
    metrics.observe(info, c.res.status, (clock.now() - started) / 1000);
    logger.debug("{method} {path} {status} {ms} ms", () => ({
      method: c.req.method,
      path: c.req.path,
      status: c.res.status,
      ms: clock.now() - started,
    }));
  };
}

/** Who asks? */
export function authenticate(list: readonly Authenticator[]): Filter {
  return async (c, next) => {
    const socket = c.env.incoming?.socket as TLSSocket | undefined;
    c.set("user", c.env.user ?? await ask(list, { headers: c.req.raw.headers, socket }));
    await next();
  };
}

/** In whose place? */
export function impersonate(list: readonly Authorizer[]): Filter {
  return async (c, next) => {
    c.set("user", impersonated(list, c.get("user"), c.req.raw.headers));
    await next();
  };
}

/** No more at once than the process can work on; what is over is told to come again. Watches, logs and upgrades are not counted. */
export function limitInFlight(): Filter {
  const inFlight = { reading: 0, writing: 0 };
  return async (c, next) => {
    // In-process loops bound themselves, and a request of theirs that waited for a place could hold up all others.
    if (isLongRunning(c.get("info")) || c.env.user !== undefined) return await next();
    const kind = c.req.method === "GET" || c.req.method === "HEAD" ? "reading" : "writing";
    const max = kind === "reading" ? limits.readsInFlightMax : limits.writesInFlightMax;
    if (inFlight[kind] >= max) {
      throw statusError("TooManyRequests", "too many requests, please try again later", { retryAfterSeconds: 1 });
    }
    inFlight[kind]++;
    try {
      await next();
    } finally {
      inFlight[kind]--;
    }
  };
}

const streaming = new Set(["exec", "attach", "portforward", "log", "proxy"]);

/** Requests that may last for hours. */
export function isLongRunning(info: RequestInfo): boolean {
  return info.verb === "watch" || (info.subresource !== undefined && streaming.has(info.subresource));
}

/** May they? */
export function authorize(list: readonly Authorizer[]): Filter {
  return async (c, next) => {
    decide(list, c.get("user"), accessOf(c.get("info"), c.req.raw.url));
    await next();
  };
}

function accessOf(info: RequestInfo, url: string): Access {
  if (!info.isResource) return { verb: info.verb, path: info.path };
  const { group, resource, subresource, namespace, name } = info;
  return {
    verb: info.verb,
    path: info.path,
    resource: {
      group: group ?? "",
      name: resource!,
      subresource,
      namespace,
      object: name,
      selects: (field) => selectedField(url, field),
    },
  };
}

/** What is authorised is what the list will show: the selector is read as the list reads it. */
function selectedField(url: string, field: string): string | undefined {
  const selector = new URL(url).searchParams.get("fieldSelector");
  if (selector === null) return undefined;
  try {
    return requiredFieldValue(parseFieldSelector(selector), field);
  } catch {
    // A selector that can't be read selects nothing; reading the list's options will refuse it with its reason.
    return undefined;
  }
}
