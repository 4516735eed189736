/**
 * The filters of the audit log (k8s.io/apiserver/pkg/endpoints/filters: audit.go, authn_audit.go): what is received, what a watch or a
 * connection began with, how it ended, and who could not be authenticated.
 */
import type { TLSSocket } from "node:tls";
import { isReason, StatusError } from "../../lib/status.ts";
import type { Random } from "../../lib/seams/random.ts";
import { afterwards, type AnyContext, type Filter, isLongRunning, isOpen, whenOver } from "../filters.ts";
import { readAnswer } from "./answer.ts";
import type { Audit } from "./audit.ts";
import type { AuditEvent } from "./event.ts";

/** Stands before authentication: who is nobody is written down, too. */
export function auditFailures(audit: Audit, random: Random): Filter {
  return (c) => {
    const at = audit.clock.now();
    afterwards(c, () => {
      if (c.get("user") !== undefined || !isReason(c.error, "Unauthorized")) return;
      const event = audit.begin({ ...received(c, random), at, user: undefined });
      if (event === undefined) return;
      event.status = { message: attempted(c), code: 401 };
      return audit.emit(event, "ResponseStarted");
    });
  };
}

function attempted(c: AnyContext): string {
  const methods: string[] = [];
  const header = c.req.raw.headers.get("authorization") ?? "";
  if (/^basic /i.test(header)) methods.push("basic");
  if (/^bearer /i.test(header)) methods.push("bearer");
  if (new URL(c.req.raw.url).searchParams.has("access_token")) methods.push("access_token");
  const socket = c.env.incoming?.socket as TLSSocket | undefined;
  if (socket?.getPeerCertificate?.()?.subject !== undefined) methods.push("x509");
  if (methods.length === 0) return "Authentication failed, no credentials provided";
  return `Authentication failed, attempted: ${methods.join(", ")}`;
}

/** Stands after authentication, and before everything that may refuse. */
export function auditRequests(audit: Audit, random: Random): Filter {
  return (c) => {
    const user = c.get("user");
    const event = audit.begin({ ...received(c, random), at: audit.clock.now(), user });
    if (event === undefined) return;
    c.set("audit", event);
    const state: Lasting = { began: false, ended: false };
    const lasts = isLongRunning(c.get("info"));
    if (lasts) {
      whenOver(c, () => {
        state.ended = true;
        if (state.began) void audit.emit(event, "ResponseComplete");
      });
    }
    afterwards(c, async () => {
      if (c.get("user") !== user) event.impersonated = c.get("user");
      await answered(c, audit, event, lasts ? state : undefined);
    });
    return audit.emit(event, "RequestReceived");
  };
}

/** Of a request that lasts: has its answer begun, and is it over? */
interface Lasting {
  began: boolean;
  ended: boolean;
}

async function answered(c: AnyContext, audit: Audit, event: AuditEvent, lasting: Lasting | undefined): Promise<void> {
  if (c.error !== undefined && !(c.error instanceof StatusError)) {
    event.status = { status: "Failure", reason: "InternalError", message: `${c.error.message}`, code: 500 };
    return await audit.emit(event, "Panic");
  }
  if (lasting === undefined || c.res.status >= 300) {
    await describe(c, event);
    return await audit.emit(event, "ResponseComplete");
  }
  event.status = { code: c.env.upgrade?.target !== undefined ? 101 : c.res.status };
  await audit.emit(event, "ResponseStarted");
  lasting.began = true;
  if (lasting.ended || !isOpen(c, true)) await audit.emit(event, "ResponseComplete");
}

function received(c: AnyContext, random: Random) {
  const { url, headers } = c.req.raw;
  const at = url.indexOf("/", url.indexOf("//") + 2);
  return {
    auditId: c.get("auditId") ?? random.uuid(),
    uri: at < 0 ? "/" : url.slice(at),
    info: c.get("info"),
    sourceIps: sourceIps(c, headers),
    userAgent: headers.get("user-agent"),
  };
}

/** Who says it came through somebody is believed as far as that is written down (k8s.io/apimachinery/pkg/util/net, SourceIPs). */
function sourceIps(c: AnyContext, headers: Headers): string[] {
  const isAddress = (text: string) => /^[\da-f.:]{2,45}$/i.test(text);
  const forwarded = (headers.get("x-forwarded-for") ?? "").split(",").map((ip) => ip.trim()).filter(isAddress);
  const real = headers.get("x-real-ip")?.trim();
  const remote = c.env.incoming?.socket.remoteAddress?.replace(/^::ffff:/, "") ??
    (c.env.user === undefined ? undefined : "127.0.0.1");
  const all = [...forwarded.slice(0, 16), ...(real !== undefined && isAddress(real) ? [real] : []), remote];
  return [...new Set(all.filter((ip) => ip !== undefined))];
}

/** A request whose answer may be a Status that says more than its code. */
function answersStatus({ verb, subresource }: { verb: string; subresource?: string }, code: number): boolean {
  return code >= 400 || verb === "delete" || subresource === "eviction" || subresource === "binding";
}

async function describe(c: AnyContext, event: AuditEvent): Promise<void> {
  const { status: code } = c.res;
  event.status = { code };
  if (!event.wantsResponse && !answersStatus(event.received.info, code)) return;
  const before = c.res;
  const { response, object } = await readAnswer(before);
  if (response !== before) {
    // Unset first: an answer that is put in another's place would have its body copied once more.
    c.res = undefined;
    c.res = response;
  }
  if (object === undefined) {
    if (event.wantsResponse) event.annotate("audit.k8s.io/truncated", "true");
    return;
  }
  const { kind, status, message, reason, details } = object as Record<string, never>;
  if (kind === "Status") event.status = { status, message, reason, details, code };
  else event.answered(object);
}
