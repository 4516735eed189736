/** What a connection and a request say about who asks: a certificate of the cluster's authority, a bearer token. */
import type { TLSSocket } from "node:tls";
import type { Instant } from "../../lib/seams/clock.ts";

export interface User {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface Evidence {
  /** The request's connection. */
  readonly socket: unknown;
  readonly authorization?: string;
}

const authenticatedGroup = "system:authenticated";

export function authenticated(user: User): User {
  if (user.groups.includes(authenticatedGroup)) return user;
  return { ...user, groups: [...user.groups, authenticatedGroup] };
}

interface Shown {
  readonly user: User;
  /** When the certificate ends. */
  readonly until: Instant;
}

/** Reading a peer's certificate costs more than the rest of a request: once per connection. */
const bySocket = new WeakMap<object, Shown | null>();

/**
 * The common name is the user, the organizations are its groups. Only an authorized certificate says who somebody is: the names in others
 * are claims. A connection that was made before does not outlive its certificate.
 */
export function certificateUser(socket: unknown, now: Instant): User | undefined {
  const connection = socket as TLSSocket;
  let shown = bySocket.get(connection);
  if (shown === undefined) bySocket.set(connection, shown = shownBy(connection));
  return shown === null || shown.until <= now ? undefined : shown.user;
}

function shownBy(socket: TLSSocket): Shown | null {
  if (socket.authorized !== true) return null;
  const certificate = socket.getPeerCertificate();
  const subject = certificate?.subject as { CN?: string; O?: string | string[] } | undefined;
  if (!subject?.CN) return null;
  const user = authenticated({ name: subject.CN, groups: [subject.O ?? []].flat() });
  return { user, until: Date.parse(certificate.valid_to) };
}

/** The bearer token of an Authorization header, if it is one. */
export function bearer(authorization: string | undefined): string | undefined {
  // Nothing else can stand in a header.
  return /^bearer +([\x21-\x7e]+) *$/i.exec(authorization ?? "")?.[1];
}

const callerName = "kube-apiserver-kubelet-client";

/** The API server, which has decided itself who may ask it; it must reach its agents when nobody can be asked. */
export function isApiserver({ name, groups }: User): boolean {
  return name === callerName && groups.includes("system:masters");
}
