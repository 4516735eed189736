/**
 * Fills the Secrets of type kubernetes.io/service-account-token with a token of their account, and removes those whose account is gone
 * (pkg/controller/serviceaccount/tokens_controller.go). Leaves out tokens without a Secret, which are asked for and not kept.
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import { keyOf } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Secret, ServiceAccount } from "../../lib/types/core_v1.ts";
import { Secret as SecretKind, ServiceAccount as AccountKind } from "../../lib/types/kinds.ts";
import { filtered } from "./changes.ts";
import type { Parts } from "./parts.ts";

export const accountTokenType = "kubernetes.io/service-account-token";
const nameAnnotation = "kubernetes.io/service-account.name";
const uidAnnotation = "kubernetes.io/service-account.uid";

const accountName = ({ metadata }: Pick<Secret, "metadata">) => metadata.annotations?.[nameAnnotation] ?? "";

/** Index: `namespace/name` of the account that a Secret is for. */
export const byAccount = (secret: Secret): readonly string[] => [`${secret.metadata.namespace}/${accountName(secret)}`];

export interface AccountTokenView {
  secret: Secret;
  account: ServiceAccount | undefined;
  caPem: string;
}

export type AccountTokenAction =
  | { do: "fill"; secret: Secret; account: ServiceAccount; why: string }
  | { do: "remove"; secret: Secret; why: string };

const base64 = (text: string) => new TextEncoder().encode(text).toBase64();

export function planAccountToken(
  { secret, account, caPem }: AccountTokenView,
  _now: Instant,
): readonly AccountTokenAction[] {
  if (secret.metadata.deletionTimestamp !== undefined || accountName(secret) === "") return [];
  if (account === undefined) return [{ do: "remove", secret, why: "its service account does not exist" }];
  const uid = secret.metadata.annotations?.[uidAnnotation];
  if (uid && uid !== account.metadata.uid) {
    return [{ do: "remove", secret, why: "it is for an account of that name that is gone" }];
  }
  const { token = "", "ca.crt": ca = "", namespace = "" } = secret.data ?? {};
  const complete = token !== "" && ca === base64(caPem) && namespace === base64(secret.metadata.namespace);
  return complete && uid ? [] : [{ do: "fill", secret, account, why: "something of it is missing" }];
}

/** The Secret with all that its readers look for. */
export function filledSecret(
  secret: Secret,
  account: ServiceAccount,
  { token, caPem }: Record<"token" | "caPem", string>,
): Secret {
  const data = { ...secret.data, "ca.crt": base64(caPem), namespace: base64(secret.metadata.namespace) };
  if ((data as Record<string, string>).token === undefined) Object.assign(data, { token: base64(token) });
  const annotations = {
    ...secret.metadata.annotations,
    [nameAnnotation]: account.metadata.name,
    [uidAnnotation]: account.metadata.uid,
  };
  return { ...secret, metadata: { ...secret.metadata, annotations }, data };
}

export function accountTokenController(
  { informers, config }: Parts,
): Controller<AccountTokenView, AccountTokenAction> {
  const { accountTokens, serviceAccounts } = informers;
  // An account that changes is still the same; one that comes or goes makes a difference.
  const comingAndGoing = filtered(serviceAccounts, ({ old, now }) => old?.metadata.uid !== now?.metadata.uid);
  return {
    name: "token-controller",
    sources: [
      source(accountTokens, (secret) => [keyOf(secret)]),
      source(comingAndGoing, (account) => accountTokens.by("account", keyOf(account)).map(keyOf)),
    ],
    view(key) {
      const secret = accountTokens.get(key);
      if (secret === undefined) return undefined;
      const account = serviceAccounts.get(`${secret.metadata.namespace}/${accountName(secret)}`);
      return { secret, account, caPem: config.caPem };
    },
    plan: planAccountToken,
    async execute(action, client) {
      const { secret } = action;
      const { namespace, uid, resourceVersion } = secret.metadata;
      try {
        if (action.do === "fill") {
          const token = config.legacyToken(action.account, secret.metadata);
          await client.update(SecretKind, filledSecret(secret, action.account, { token, caPem: config.caPem }));
          return;
        }
        // Seldom, and for ever: the server itself is asked whether there is really no such account.
        const live = await client.get(AccountKind, { namespace, name: accountName(secret) }).catch((error) => {
          if (!isReason(error, "NotFound")) throw error;
          return undefined;
        });
        const bound = secret.metadata.annotations?.[uidAnnotation];
        if (live !== undefined && (!bound || bound === live.metadata.uid)) return;
        await client.delete(SecretKind, secret.metadata, { preconditions: { uid, resourceVersion } });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    },
  };
}
