/** What the tokens of service accounts say (pkg/serviceaccount/claims.go, legacy.go). Pure. */
import type { Secret, ServiceAccount } from "../../../lib/types/core_v1.ts";
import type { Claims } from "./jwt.ts";

export interface Named {
  readonly name: string;
  /** Absent: a Node that is not known. */
  readonly uid?: string;
}

/** What a token is for. */
export interface TokenSubject {
  readonly namespace: string;
  readonly account: Named;
  readonly pod?: Named;
  readonly secret?: Named;
  readonly node?: Named;
}

export interface TokenTimes {
  /** Seconds since 1970. */
  readonly now: number;
  readonly expires: number;
  /** From when on its use is to be noticed: it lives longer than it was asked for. */
  readonly warnAfter?: number;
}

export interface BoundToken extends TokenSubject {
  readonly audiences: readonly string[];
  readonly id: string | undefined;
  readonly times: TokenTimes & { readonly notBefore: number };
}

export const legacyIssuer = "kubernetes/serviceaccount";
const legacyPrefix = "kubernetes.io/serviceaccount/";

export const accountUser = (namespace: string, name: string) => `system:serviceaccount:${namespace}:${name}`;

export function accountGroups(namespace: string): string[] {
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`];
}

/** Namespace and name of an account's user name; `undefined` for other users. */
export function accountOf(user: string): { namespace: string; name: string } | undefined {
  const [system, kind, namespace, name, ...more] = user.split(":");
  if (system !== "system" || kind !== "serviceaccount" || !namespace || !name || more.length > 0) return undefined;
  return { namespace, name };
}

export function boundClaims(
  { namespace, account, pod, secret, node }: TokenSubject,
  { issuer, audiences, id, times }: { issuer: string; audiences: readonly string[]; id: string; times: TokenTimes },
): Claims {
  const named = ({ name, uid }: Named) => ({ name, ...(uid === undefined ? {} : { uid }) });
  return {
    aud: audiences,
    exp: times.expires,
    iat: times.now,
    iss: issuer,
    jti: id,
    "kubernetes.io": {
      namespace,
      ...(node === undefined ? {} : { node: named(node) }),
      ...(pod === undefined ? {} : { pod: named(pod) }),
      ...(secret === undefined ? {} : { secret: named(secret) }),
      serviceaccount: named(account),
      ...(times.warnAfter === undefined ? {} : { warnafter: times.warnAfter }),
    },
    nbf: times.now,
    sub: accountUser(namespace, account.name),
  };
}

/** Of a token that lives in a Secret, for ever. */
export function legacyClaims(account: ServiceAccount, secret: Pick<Secret["metadata"], "name">): Claims {
  const { namespace, name, uid } = account.metadata;
  return {
    iss: legacyIssuer,
    [`${legacyPrefix}namespace`]: namespace,
    [`${legacyPrefix}secret.name`]: secret.name,
    [`${legacyPrefix}service-account.name`]: name,
    [`${legacyPrefix}service-account.uid`]: uid,
    sub: accountUser(namespace, name),
  };
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const record = (value: unknown) => typeof value === "object" && value !== null ? value as Claims : undefined;

function named(value: unknown): Named | undefined {
  const { name, uid } = record(value) ?? {};
  return isText(name) ? { name, ...(isText(uid) ? { uid } : {}) } : undefined;
}

/** What a token with an expiry says; `undefined` when it is none of these. */
export function readBound(claims: Claims): BoundToken | undefined {
  const own = record(claims["kubernetes.io"]);
  const account = named(own?.serviceaccount);
  const { aud, exp, nbf, iat, jti, sub } = claims;
  if (own === undefined || account?.uid === undefined || !isText(own.namespace) || typeof exp !== "number") {
    return undefined;
  }
  if (sub !== accountUser(own.namespace, account.name)) return undefined;
  const number = (value: unknown, otherwise: number) => typeof value === "number" ? value : otherwise;
  return {
    namespace: own.namespace,
    account,
    pod: named(own.pod),
    secret: named(own.secret),
    node: named(own.node),
    audiences: [aud].flat().filter(isText),
    id: isText(jti) ? jti : undefined,
    times: {
      now: number(iat, 0),
      expires: exp,
      notBefore: number(nbf, 0),
      warnAfter: typeof own.warnafter === "number" ? own.warnafter : undefined,
    },
  };
}

/** What a token of a Secret says. */
export function readLegacy(
  claims: Claims,
): Required<Pick<TokenSubject, "namespace" | "account" | "secret">> | undefined {
  const [namespace, secret, name, uid] = ["namespace", "secret.name", "service-account.name", "service-account.uid"]
    .map((key) => claims[legacyPrefix + key]);
  if (!isText(namespace) || !isText(secret) || !isText(name) || !isText(uid)) return undefined;
  if (claims.sub !== accountUser(namespace, name)) return undefined;
  return { namespace, account: { name, uid }, secret: { name: secret } };
}
