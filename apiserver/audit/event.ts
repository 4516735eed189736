/** An audit event, audit.k8s.io/v1, as kube-apiserver writes it: the same fields in the same order, one line of JSON for each stage. */
import { type Instant, rfc3339Micro } from "../../lib/seams/clock.ts";
import type { Status } from "../../lib/status.ts";
import type { User } from "../auth/user.ts";
import type { RequestInfo } from "../rest/request_info.ts";
import { type AuditLevel, type AuditStage, levels } from "./policy.ts";
import type { Verdict } from "./rules.ts";

/** Longer ones are cut (k8s.io/apiserver/pkg/audit: maxUserAgentLength). */
const userAgentCharactersMax = 1024;
const cut = "...TRUNCATED";

export interface ObjectReference {
  resource?: string;
  namespace?: string;
  name?: string;
  uid?: string;
  apiGroup?: string;
  apiVersion?: string;
  resourceVersion?: string;
  subresource?: string;
}

/** What is told of a request before anything is done. */
export interface Received {
  readonly auditId: string;
  readonly at: Instant;
  /** With the query. */
  readonly uri: string;
  readonly info: RequestInfo;
  readonly user: User | undefined;
  readonly sourceIps: readonly string[];
  readonly userAgent: string | null;
}

/** JSON texts, made when the objects were seen: they change later. */
export interface Bodies {
  request?: string;
  response?: string;
}

const wants = (verdict: Verdict, level: AuditLevel) => levels.indexOf(verdict.level) >= levels.indexOf(level);

/** One request, from its reception to its end. */
export class AuditEvent {
  impersonated: User | undefined;
  status: Pick<Status, "status" | "message" | "reason" | "details" | "code"> | undefined;
  readonly #annotations: Record<string, string> = {};
  readonly #bodies: Bodies = {};
  readonly #object: ObjectReference | undefined;

  constructor(readonly received: Received, readonly verdict: Verdict) {
    const { info } = received;
    this.#object = info.isResource ? objectOf(info) : undefined;
  }

  get wantsResponse(): boolean {
    return wants(this.verdict, "RequestResponse");
  }

  /** What is said first counts. */
  annotate(key: string, value: string): void {
    if (!Object.hasOwn(this.#annotations, key)) this.#annotations[key] = value;
  }

  /** The decoded body, before anything is made of it: it names the object, and it is written down where the policy says so. */
  requested(body: object): void {
    const meta = (body as { metadata?: Partial<Record<keyof ObjectReference, unknown>> }).metadata;
    const object = this.#object;
    if (object !== undefined && typeof meta === "object" && meta !== null) {
      for (const field of ["namespace", "name", "uid", "resourceVersion"] as const) {
        const said = meta[field];
        if (typeof said === "string" && said !== "") object[field] ||= said;
      }
    }
    if (wants(this.verdict, "Request")) this.#bodies.request = this.#text(body);
  }

  /** The answer's object. */
  answered(body: unknown): void {
    if (this.wantsResponse) this.#bodies.response = this.#text(body);
  }

  #text(body: unknown): string {
    return JSON.stringify(this.verdict.omitManagedFields ? withoutManagers(body) : body);
  }

  /** The line for a stage, or `undefined` when the policy leaves it out. */
  line(stage: AuditStage, at: Instant): string | undefined {
    const { level, omitStages } = this.verdict;
    if (level === "None" || omitStages.has(stage)) return undefined;
    const { received } = this;
    const early = stage === "RequestReceived";
    const status = early ? undefined : this.status;
    const fields: [string, unknown][] = [
      ["kind", "Event"],
      ["apiVersion", "audit.k8s.io/v1"],
      ["level", level],
      ["auditID", received.auditId],
      ["stage", stage],
      ["requestURI", received.uri],
      ["verb", received.info.verb],
      ["user", userInfo(received.user)],
      ["impersonatedUser", early || this.impersonated === undefined ? undefined : userInfo(this.impersonated)],
      ["sourceIPs", received.sourceIps.length === 0 ? undefined : received.sourceIps],
      ["userAgent", received.userAgent === null ? undefined : short(received.userAgent)],
      ["objectRef", this.#object],
      ["responseStatus", status === undefined ? undefined : { metadata: {}, ...status }],
    ];
    const annotations = early || Object.keys(this.#annotations).length === 0 ? undefined : this.#annotations;
    const times: [string, unknown][] = [
      ["requestReceivedTimestamp", rfc3339Micro(received.at)],
      ["stageTimestamp", rfc3339Micro(at)],
      ["annotations", annotations],
    ];
    const { request, response } = early ? {} : this.#bodies;
    const bodies = (request === undefined ? "" : `,"requestObject":${request}`) +
      (response === undefined ? "" : `,"responseObject":${response}`);
    return `{${text(fields)}${bodies},${text(times)}}\n`;
  }
}

function text(fields: readonly [string, unknown][]): string {
  const said = fields.filter(([, value]) => value !== undefined);
  return said.map(([name, value]) => `"${name}":${JSON.stringify(value)}`).join(",");
}

function objectOf({ resource, namespace, name, group, version, subresource }: RequestInfo): ObjectReference {
  // The order of the fields is that of the JSON text.
  return {
    resource,
    namespace,
    name,
    uid: undefined,
    apiGroup: group === "" ? undefined : group,
    apiVersion: version,
    resourceVersion: undefined,
    subresource,
  };
}

function userInfo(user: User | undefined): object {
  if (user === undefined) return {};
  const { name, uid, groups, extra } = user;
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups }),
    ...(extra === undefined ? {} : { extra }),
  };
}

function short(userAgent: string): string {
  return userAgent.length <= userAgentCharactersMax ? userAgent : userAgent.slice(0, userAgentCharactersMax) + cut;
}

/** An object, or a list of them, without `metadata.managedFields`. */
function withoutManagers(body: unknown): unknown {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return body;
  const { metadata, items } = body as { metadata?: Record<string, unknown>; items?: unknown[] };
  const copy: Record<string, unknown> = { ...body };
  if (metadata?.managedFields !== undefined) {
    const { managedFields: _, ...rest } = metadata;
    copy.metadata = rest;
  }
  if (Array.isArray(items)) copy.items = items.map(withoutManagers);
  return copy;
}
