/** The API server's word on who asks the agent and what they may: TokenReview and SubjectAccessReview, kept as the kubelet keeps them. */
import { createHash } from "node:crypto";
import type { Client } from "../../lib/client/client.ts";
import {
  accessAllowedMs,
  accessDeniedMs,
  accessReviewsMax,
  accessReviewTimeoutMs,
  accessUsersMax,
  accessVerdictBytesMax,
  accessVerdictsMax,
  tokenKnownMs,
} from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { StatusError } from "../../lib/status.ts";
import type { TokenReview } from "../../lib/types/authentication_v1.ts";
import type { SubjectAccessReview, SubjectAccessReviewSpec } from "../../lib/types/authorization_v1.ts";
import { authenticated, type User } from "./evidence.ts";
import { Kept } from "./kept.ts";

export interface ReviewsOptions {
  readonly client: Pick<Client, "raw">;
  readonly clock: Clock;
  readonly nodeName: string;
}

export interface Reviews {
  /** Undefined for a token that nobody knows. Throws when the API server gives no answer. */
  userOf(token: string): Promise<User | undefined>;
  /** Throws when the API server gives no answer. */
  may(user: User, verb: string, subresource: string): Promise<boolean>;
  /** How questions were answered: HTTP status → how many, since the start. */
  readonly asked: { readonly tokens: ReadonlyMap<string, number>; readonly access: ReadonlyMap<string, number> };
}

export function createReviews(options: ReviewsOptions): Reviews {
  const { clock } = options;
  const users = new Kept<User | undefined>({
    clock,
    entriesMax: accessUsersMax,
    questionsMax: accessReviewsMax,
    keepMs: () => tokenKnownMs,
  });
  const verdicts = new Kept<boolean>({
    clock,
    entriesMax: accessVerdictsMax,
    questionsMax: accessReviewsMax,
    keepMs: (allowed) => allowed ? accessAllowedMs : accessDeniedMs,
  });
  const asked = { tokens: new Map<string, number>(), access: new Map<string, number>() };
  return {
    asked,
    // What is kept of a token is no use to who reads this process' memory.
    userOf: (token) =>
      users.get(createHash("sha256").update(token).digest("base64"), () => reviewToken(options, token, asked.tokens)),
    may(user, verb, subresource) {
      const spec = accessSpec(options.nodeName, user, { verb, subresource });
      const key = JSON.stringify(spec);
      const ask = () => reviewAccess(options, spec, asked.access);
      return key.length > accessVerdictBytesMax ? ask() : verdicts.get(key, ask);
    },
  };
}

async function reviewToken(
  options: ReviewsOptions,
  token: string,
  counts: Map<string, number>,
): Promise<User | undefined> {
  const path = "/apis/authentication.k8s.io/v1/tokenreviews";
  const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", metadata: {}, spec: { token } };
  const { status } = await ask<TokenReview>(options, { path, body, counts });
  if (status?.authenticated !== true || !status.user?.username) return undefined;
  const { username, uid, groups = [], extra } = status.user;
  return authenticated({
    name: username,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  });
}

async function reviewAccess(
  options: ReviewsOptions,
  spec: SubjectAccessReviewSpec,
  counts: Map<string, number>,
): Promise<boolean> {
  const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
  const body = { apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", metadata: {}, spec };
  const { status } = await ask<SubjectAccessReview>(options, { path, body, counts });
  return status?.allowed === true && status.denied !== true;
}

function accessSpec(
  nodeName: string,
  { name, uid, groups, extra }: User,
  { verb, subresource }: { verb: string; subresource: string },
): SubjectAccessReviewSpec {
  return {
    resourceAttributes: { verb, version: "v1", resource: "nodes", subresource, name: nodeName },
    user: name,
    groups: [...groups],
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : {
      extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])),
    }),
  };
}

async function ask<T>(
  { client, clock }: ReviewsOptions,
  { path, body, counts }: { path: string; body: unknown; counts: Map<string, number> },
): Promise<T> {
  const late = new AbortController();
  const cancel = clock.after(accessReviewTimeoutMs, () => late.abort());
  let code = "<error>";
  try {
    const response = await client.raw("POST", path, body, late.signal);
    code = String(response.status);
    return await response.json();
  } catch (error) {
    if (error instanceof StatusError) code = String(error.status.code ?? code);
    throw error;
  } finally {
    cancel();
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
}
