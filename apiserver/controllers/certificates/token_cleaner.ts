/** Removes bootstrap tokens whose time is over (pkg/controller/bootstrap/tokencleaner.go). */
import { type Controller, source, type WakeAt } from "../../../lib/controller/controller.ts";
import { isExpired, readTokenSecret, tokenNamespace, type TokenRecord } from "../../../lib/join/bootstrap_token.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import { Secret as SecretKind } from "../../../lib/types/kinds.ts";
import type { Parts } from "../parts.ts";

export interface TokenView {
  record: TokenRecord;
  name: string;
  uid: string;
}

export interface TokenAction {
  do: "delete";
  name: string;
  uid: string;
  why: string;
}

export function planToken({ record, name, uid }: TokenView, now: Instant): readonly (TokenAction | WakeAt)[] {
  const { expiresAt } = record;
  if (expiresAt === undefined) return [];
  if (isExpired(record, now)) return [{ do: "delete", name, uid, why: "its expiration has passed" }];
  return [{ do: "wakeAt", at: expiresAt, why: "its expiration" }];
}

export function tokenController({ informers }: Parts): Controller<TokenView, TokenAction> {
  const { bootstrapTokens } = informers;
  return {
    name: "token-cleaner",
    sources: [source(bootstrapTokens, ({ metadata }) => [metadata.name])],
    view(name) {
      const secret = bootstrapTokens.get(`${tokenNamespace}/${name}`);
      const record = secret && readTokenSecret(secret);
      return record && { record, name, uid: secret.metadata.uid };
    },
    plan: planToken,
    async execute({ name, uid }, client) {
      const ref = { namespace: tokenNamespace, name };
      await client.delete(SecretKind, ref, { preconditions: { uid } }).catch((error) => {
        if (!isReason(error, "NotFound")) throw error;
      });
    },
  };
}
