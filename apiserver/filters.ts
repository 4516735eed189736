/** What every request passes on its way to the REST machinery, in the order in which it runs. */
import type { Context, MiddlewareHandler } from "hono";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { getLogger } from "log";
import type { LiveEvents } from "../lib/client/live.ts";
import { slowRequestMs } from "../lib/limits.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Random } from "../lib/seams/random.ts";
import { parseFieldSelector, requiredFieldValue } from "../lib/selector/fields.ts";
import { statusError } from "../lib/status.ts";
import { authenticate as ask, type Authenticator } from "./auth/authenticate.ts";
import { asksForAnother, impersonated } from "./auth/impersonate.ts";
import type { AuditEvent } from "./audit/event.ts";
import { authorize as decide, type Authorizer, review } from "./auth/authorize.ts";
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
  /** With `user`: takes a watch's events as objects. */
  live?: LiveEvents;
  /** Keeps a connection from being cut off while nobody reads it; the answer ends that. */
  patiently?(socket: Duplex): () => void;
  /** Set for an upgrade: where the REST machinery sends it. */
  upgrade?: { target?: unknown };
}

export interface Variables {
  info: RequestInfo;
  user: User;
  /** Headers of the answer that filters gave; on a connection they are there already. */
  answerHeaders?: Record<string, string>;
  /** In the answer, the audit log and the request log. Absent for requests of this process' own. */
  auditId?: string;
  /** Absent: nothing is written about this request. */
  audit?: AuditEvent;
  /** What filters have left to be done. */
  afterwards?: (() => void | Promise<void>)[];
  /** It is being done. */
  over?: true;
  /** Rejects when the client's time is up. */
  expired?: Promise<never>;
  /** What is done for the request after all filters. */
  work?: Promise<void>;
  /** How long it waited for a seat. */
  waitedMs?: number;
  /** Called when a watch has ended. */
  onEnded?: () => void;
  /** Called when a watch has sent what was there when it began. */
  onStarted?: () => void;
}

export type AnyContext = Context<{ Bindings: Bindings; Variables: Variables }>;

/**
 * One of what every request passes. It refuses by throwing; what is to be done when the answer is there it leaves behind with afterwards().
 * Filters are called one after the other, not one inside the other: each await around all of a request's work costs 10 us of it.
 */
export type Filter = (c: AnyContext) => void | Promise<void>;

const logger = getLogger(["sauropod", "apiserver"]);

/** What is left behind last is done first; what comes too late, at once. */
export function afterwards(c: AnyContext, callback: () => void | Promise<void>): void {
  if (c.get("over")) return void callback();
  const others = c.get("afterwards");
  if (others === undefined) c.set("afterwards", [callback]);
  else others.push(callback);
}

/** The filters as the one that Hono knows. Everything thrown becomes a Status; what is no expected failure is logged. */
export function pass(filters: readonly Filter[]): MiddlewareHandler<{ Bindings: Bindings; Variables: Variables }> {
  return async (c, next) => {
    try {
      for (const filter of filters) {
        const pending = filter(c);
        if (pending !== undefined) await inTime(c, pending);
      }
      const work = next();
      c.set("work", work);
      await inTime(c, work);
    } catch (error) {
      c.error = error as Error;
      c.res = errorResponse(error, { request: c.req.raw });
    }
    c.set("over", true);
    const left = c.get("afterwards") ?? [];
    for (let i = left.length - 1; i >= 0; i--) {
      const pending = left[i]!();
      if (pending !== undefined) await pending;
    }
    const more = c.get("answerHeaders");
    if (more !== undefined) { for (const name of Object.keys(more)) c.res.headers.set(name, more[name]!); }
  };
}

/** Unless the client's own time is up before. */
async function inTime(c: AnyContext, pending: Promise<void>): Promise<void> {
  const expired = c.get("expired");
  await (expired === undefined ? pending : Promise.race([pending, expired]));
}

/**
 * A header of the answer, whatever the answer will be. On a connection it is set there at once: an answer's own headers are added to it,
 * and the answer itself need not be made anew.
 */
export function answerHeader(c: AnyContext, name: string, value: string): void {
  const { outgoing } = c.env;
  if (outgoing !== undefined) outgoing.setHeader(name, value);
  else c.set("answerHeaders", { ...c.get("answerHeaders"), [name]: value });
}

export interface Reception {
  random: Random;
  /** When it aborts, nothing new is begun. */
  stopping: AbortSignal | undefined;
}

/** Longer ones are replaced by one of ours. */
const auditIdCharactersMax = 256;

/**
 * What the URL and the method ask for; the id under which it is found again in the answer, in the audit log and in the request log; and
 * whether anything is begun at all.
 */
export function receive({ random, stopping }: Reception): Filter {
  return (c) => {
    const { raw } = c.req;
    const own = c.env.user !== undefined;
    if (!own) {
      const given = raw.headers.get("audit-id");
      const id = given !== null && given !== "" && given.length <= auditIdCharactersMax ? given : random.uuid();
      c.set("auditId", id);
      answerHeader(c, "Audit-Id", id);
    }
    const info = parseRequestInfo(raw.method, new URL(raw.url));
    c.set("info", info);
    if (stopping?.aborted && !own) refuseNew(c, info);
    if (c.env.patiently !== undefined && info.verb !== "watch" && isLongRunning(info)) {
      c.env.outgoing?.once("close", c.env.patiently(c.env.incoming!.socket));
    }
  };
}

/** While the server stops health may still be asked. Another server, or this one soon, does what is asked. */
function refuseNew(c: AnyContext, info: RequestInfo): void {
  answerHeader(c, "Connection", "close");
  if (isHealth(info.path)) return;
  throw statusError("ServiceUnavailable", "apiserver is shutting down.", { retryAfterSeconds: 1 });
}

const isHealth = (path: string) => /^\/(livez|readyz|healthz)(\/|$)/.test(path);

/** Counts and times it, and says so in the log; what lasts is counted while it does. */
export function measure({ requests }: Metrics, clock: Clock): Filter {
  return (c) => {
    const info = c.get("info");
    const { method, url } = c.req.raw;
    const lasts = isLongRunning(info);
    const series = requests.of(info, { dryRun: url.includes("dryRun=All"), lasts });
    const running = series.running ?? (method === "GET" || method === "HEAD" ? requests.reading : requests.mutating);
    const started = clock.now();
    let over = false;
    const end = () => {
      if (over) return;
      over = true;
      running.value--;
      const ms = clock.now() - started;
      series.duration.observe(ms / 1000);
      series.withoutWaiting.observe((ms - (c.get("waitedMs") ?? 0)) / 1000);
    };
    running.value++;
    if (lasts) whenOver(c, end);
    if (series.sizes !== undefined && c.env.outgoing !== undefined) measureSize(c, series.sizes);
    afterwards(c, () => {
      requests.answered(series, c.res.status);
      if (!isOpen(c, lasts)) end();
      say(c, clock.now() - started, lasts);
    });
  };
}

/** Between two requests of one connection nothing else is written on it. */
function measureSize({ env: { incoming, outgoing } }: AnyContext, sizes: { observe(bytes: number): void }): void {
  const { socket } = incoming!;
  const before = socket.bytesWritten;
  outgoing!.once("finish", () => sizes.observe(socket.bytesWritten - before));
}

/** The request log: all of them at the level debug, slow ones at info. */
function say(c: AnyContext, ms: number, lasts: boolean): void {
  const slow = ms >= slowRequestMs && !lasts;
  const words = "{method} {path} {status} {ms} ms, {user}, {userAgent}, {address}, {auditId}";
  const details = () => ({
    method: c.req.method,
    path: c.req.path,
    status: c.res.status,
    ms,
    user: c.get("user")?.name,
    userAgent: c.req.raw.headers.get("user-agent")?.slice(0, 200),
    address: c.env.incoming?.socket.remoteAddress,
    auditId: c.get("auditId"),
  });
  if (slow) logger.info(`slow: ${words}`, details);
  else logger.debug(words, details);
}

/** Does it go on after its answer has begun? */
export function isOpen(c: AnyContext, lasts: boolean): boolean {
  if (!lasts || c.res.status >= 300 || c.error !== undefined) return false;
  return c.get("info").verb === "watch" || c.env.outgoing !== undefined || c.env.upgrade !== undefined;
}

/** Has `end` called when a watch, an upgraded connection or a stream of logs is over, whoever ended it. */
export function whenOver(c: AnyContext, end: () => void): void {
  const { incoming, outgoing, upgrade } = c.env;
  if (c.get("info").verb === "watch") {
    const others = c.get("onEnded");
    c.set("onEnded", others === undefined ? end : () => [others, end].forEach((one) => one()));
  } else if (upgrade !== undefined) incoming!.socket.once("close", end);
  else outgoing?.once("close", end);
}

/** Who asks? */
export function authenticate(list: readonly Authenticator[]): Filter {
  return async (c) => {
    const socket = c.env.incoming?.socket as TLSSocket | undefined;
    c.set("user", c.env.user ?? await ask(list, { headers: c.req.raw.headers, socket }));
  };
}

/** In whose place? */
export function impersonate(list: readonly Authorizer[]): Filter {
  return (c) => {
    // Going through a request's Headers costs as much as the rest of the filters.
    if (c.env.incoming !== undefined && !asksForAnother(c.env.incoming.rawHeaders)) return;
    c.set("user", impersonated(list, c.get("user"), c.req.raw.headers));
  };
}

const streaming = new Set(["exec", "attach", "portforward", "log", "proxy"]);

/** Requests that may last for hours. */
export function isLongRunning(info: RequestInfo): boolean {
  return info.verb === "watch" || (info.subresource !== undefined && streaming.has(info.subresource));
}

/** May they? */
export function authorize(list: readonly Authorizer[]): Filter {
  return (c) => {
    const access = accessOf(c.get("info"), c.req.raw.url);
    const event = c.get("audit");
    if (event !== undefined) tellDecision(event, review(list, c.get("user"), access));
    decide(list, c.get("user"), access);
  };
}

function tellDecision(event: AuditEvent, { allowed, reason }: { allowed: boolean; reason: string }): void {
  event.annotate("authorization.k8s.io/decision", allowed ? "allow" : "forbid");
  event.annotate("authorization.k8s.io/reason", reason);
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
