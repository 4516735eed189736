/**
 * Service accounts by their tokens (pkg/serviceaccount/jwt.go, validators). A token is as good as what it is bound to: when its account,
 * pod, Secret or Node goes, it is over, whatever its expiry. Why is told only to who shows one that this cluster has signed.
 */
import type { Clock } from "../../../lib/seams/clock.ts";
import { type StatusError, statusError } from "../../../lib/status.ts";
import type { ObjectMeta } from "../../../lib/types/meta_v1.ts";
import { type Authenticator, bearer, type Identified } from "../authenticate.ts";
import { authenticated } from "../user.ts";
import {
  accountGroups,
  accountUser,
  type BoundToken,
  legacyIssuer,
  type Named,
  readBound,
  readLegacy,
  type TokenSubject,
} from "./claims.ts";
import { claimsOf, type TokenKeys } from "./jwt.ts";
import type { TokenObjects } from "./objects.ts";

export interface AccountTokenOptions {
  keys: TokenKeys;
  objects: TokenObjects;
  issuer: string;
  /** This API server, as a token's audience. */
  audience: string;
  clock: Pick<Clock, "now">;
}

/** Clocks differ. */
const leewaySeconds = 60;
/** What is being deleted may still be asked about by who is busy ending. */
const deletedLeewayMs = 60_000;
const extraPrefix = "authentication.kubernetes.io/";
const invalidSince = "kubernetes.io/legacy-token-invalid-since";

const refusal = (why: string): StatusError => statusError("Unauthorized", why);

export function accountTokens(options: AccountTokenOptions): Authenticator {
  const { keys, objects, issuer, audience } = options;
  return {
    name: "service account token",
    authenticate({ headers, audiences }): Identified | undefined {
      const token = bearer(headers);
      const said = token === undefined ? undefined : claimsOf(token);
      if (token === undefined || (said?.iss !== issuer && said?.iss !== legacyIssuer)) return undefined;
      const subject = said.iss === issuer ? readBound(said) : readLegacy(said);
      // Before its signature, which costs a thousand times more: who can't name an account is not worth it.
      if (
        subject === undefined || objects.accountUid(subject.namespace, subject.account.name) !== subject.account.uid
      ) {
        return undefined;
      }
      if (keys.verify(token) === undefined) return undefined;
      const wanted = audiences ?? [audience];
      return said.iss === issuer
        ? bound(options, subject as BoundToken, wanted)
        : legacy(options, subject as ReturnType<typeof readLegacy> & TokenSubject, { token, wanted });
    },
  };
}

function bound({ objects, clock }: AccountTokenOptions, token: BoundToken, wanted: readonly string[]): Identified {
  const { namespace, account, pod, secret, node, audiences, id, times } = token;
  const now = clock.now() / 1000;
  if (now > times.expires + leewaySeconds) throw refusal("service account token has expired");
  if (now < times.notBefore - leewaySeconds) throw refusal("service account token is not valid yet");
  const common = audiences.filter((one) => wanted.includes(one));
  if (common.length === 0) {
    throw refusal(
      `token audiences ${JSON.stringify(audiences)} is invalid for the target audiences ${JSON.stringify(wanted)}`,
    );
  }
  const still = (what: string, named: Named, found: { metadata: ObjectMeta } | undefined) =>
    check({ what, named, found, now: clock.now() });
  if (secret !== undefined) still("secret", secret, objects.secret(namespace, secret.name));
  if (pod !== undefined) still("pod", pod, objects.pod(namespace, pod.name));
  // A token of a pod stays the pod's when its Node's object is made anew; one of a Node does not.
  if (node?.uid !== undefined && pod === undefined) still("node", node, objects.node(node.name));
  const extra: [string, string | undefined][] = [
    ["credential-id", id && `JTI=${id}`],
    ["node-name", node?.name],
    ["node-uid", node?.uid],
    ["pod-name", pod?.name],
    ["pod-uid", pod?.uid],
  ];
  return {
    ...authenticated(accountUser(namespace, account.name), accountGroups(namespace)),
    uid: account.uid,
    extra: Object.fromEntries(
      extra.flatMap(([key, value]) => value === undefined ? [] : [[extraPrefix + key, [value]]]),
    ),
    audiences: common,
  };
}

function check({ what, named, found, now }: {
  what: string;
  named: Named;
  found: { metadata: ObjectMeta } | undefined;
  now: number;
}): void {
  const deleted = found?.metadata.deletionTimestamp;
  const over = deleted !== undefined && Date.parse(deleted) + deletedLeewayMs < now;
  if (found !== undefined && found.metadata.uid === named.uid && !over) return;
  throw refusal(`service account token has been invalidated: its ${what} ${JSON.stringify(named.name)} is gone`);
}

function legacy(
  { objects, audience }: AccountTokenOptions,
  { namespace, account, secret }: TokenSubject,
  { token, wanted }: { token: string; wanted: readonly string[] },
): Identified {
  const common = wanted.filter((one) => one === audience);
  if (common.length === 0) throw refusal("a token of a Secret is for the API server only");
  const found = objects.secret(namespace, secret!.name);
  if (found === undefined || found.metadata.deletionTimestamp !== undefined) {
    throw refusal("service account token has been invalidated: its secret is gone");
  }
  if (atob(found.data?.token ?? "") !== token) throw refusal("service account token does not match its secret");
  if (found.metadata.labels?.[invalidSince] !== undefined) {
    throw refusal("service account token has been marked as invalid");
  }
  return {
    ...authenticated(accountUser(namespace, account.name), accountGroups(namespace)),
    uid: account.uid,
    audiences: common,
  };
}
