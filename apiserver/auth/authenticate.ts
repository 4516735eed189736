/** Who asks? An ordered list of ways to tell; the first that knows answers. Credentials that are wrong are refused, never taken for none. */
import type { TLSSocket } from "node:tls";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { statusError } from "../../lib/status.ts";
import { anonymous, authenticated, mastersGroup, type User } from "./user.ts";

/** What a request brings: its headers, and its connection when it came over one. */
export interface Evidence {
  headers: Headers;
  socket?: TLSSocket;
  /** A token must be for one of these. Absent: for this API server. */
  audiences?: readonly string[];
}

/** A user, and which of the audiences that were asked for its token is for, where it says so. */
export interface Identified extends User {
  readonly audiences?: readonly string[];
}

export interface Authenticator {
  readonly name: string;
  /** `undefined`: it brings nothing of this kind. Throws Unauthorized when it does and it is wrong. */
  authenticate(evidence: Evidence): Identified | undefined | Promise<Identified | undefined>;
}

const unauthorized = () => statusError("Unauthorized", "Unauthorized");

interface Shown {
  readonly user: User;
  /** When the certificate ends. */
  readonly until: Instant;
}

/** Reading a peer's certificate costs more than the rest of a request: once per connection. */
const bySocket = new WeakMap<TLSSocket, Shown | null>();

export interface CertificateOptions {
  readonly clock: Pick<Clock, "now">;
  /** Told of each request that was authenticated so: how long the certificate is good. */
  readonly onUse?: (secondsLeft: number) => void;
}

/**
 * x509: the common name is the user, the organizations are its groups. Only certificates that our authority signed count, and only while
 * they are good: a connection that was made before must not outlive them.
 */
export function clientCertificates({ clock, onUse }: CertificateOptions): Authenticator {
  return {
    name: "x509",
    authenticate({ socket }) {
      if (socket === undefined) return undefined;
      let shown = bySocket.get(socket);
      if (shown === undefined) bySocket.set(socket, shown = shownBy(socket));
      if (shown === null) return undefined;
      const left = shown.until - clock.now();
      if (left <= 0) throw unauthorized();
      onUse?.(left / 1000);
      return shown.user;
    },
  };
}

function shownBy(socket: TLSSocket): Shown | null {
  if (socket.authorized !== true) return null;
  const certificate = socket.getPeerCertificate();
  const subject = certificate?.subject as { CN?: string; O?: string | string[] } | undefined;
  if (subject?.CN === undefined) return null;
  return { user: authenticated(subject.CN, [subject.O ?? []].flat()), until: Date.parse(certificate.valid_to) };
}

/** A certificate of somebody else's authority, or one whose time is over. */
function showsForeignCertificate({ socket }: Evidence): boolean {
  return socket !== undefined && socket.authorized !== true && socket.getPeerCertificate?.()?.subject !== undefined;
}

/** The bearer token of the admin kubeconfig. */
export function staticToken(token: string, user = authenticated("admin", [mastersGroup])): Authenticator {
  return {
    name: "static token",
    authenticate({ headers }) {
      const given = bearer(headers);
      if (given === undefined) return undefined;
      return isSame(given, token) ? user : undefined;
    },
  };
}

/** Takes one time whatever was given, but for its length, which is no secret: ours all have the same. */
function isSame(given: string, expected: string): boolean {
  if (given.length !== expected.length) return false;
  let different = 0;
  for (let i = 0; i < given.length; i++) different |= given.charCodeAt(i) ^ expected.charCodeAt(i);
  return different === 0;
}

/** The bearer token of a request, if it has one. */
export function bearer(headers: Headers): string | undefined {
  const header = headers.get("authorization");
  if (header === null) return undefined;
  return /^bearer +(\S+) *$/i.exec(header)?.[1];
}

/** Asks the list. Throws Unauthorized for credentials that nobody knows; without any it is anonymous. */
export async function authenticate(list: readonly Authenticator[], evidence: Evidence): Promise<Identified> {
  for (const { authenticate } of list) {
    const answer = authenticate(evidence);
    const user = answer instanceof Promise ? await answer : answer;
    if (user !== undefined) return user;
  }
  if (evidence.headers.has("authorization") || showsForeignCertificate(evidence)) throw unauthorized();
  return anonymous;
}
