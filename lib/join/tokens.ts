/** Bootstrap tokens through the API, as an admin: made, listed, revoked. */
import type { Client } from "../client/client.ts";
import type { Access } from "../client/kubeconfig.ts";
import * as limits from "../limits.ts";
import { publicKeyHash } from "../pki/certificate.ts";
import type { Clock, Instant } from "../seams/clock.ts";
import type { Random } from "../seams/random.ts";
import { isReason } from "../status.ts";
import { Secret } from "../types/kinds.ts";
import {
  generateToken,
  isExpired,
  readTokenSecret,
  type Token,
  tokenNamespace,
  type TokenRecord,
  tokenSecret,
  tokenSecretName,
  tokenSecretType,
} from "./bootstrap_token.ts";
import { formatJoinString } from "./join_string.ts";

export interface TokenParts {
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
}

export interface NewToken {
  /** `undefined`: never. */
  readonly ttlMs: number | undefined;
  readonly description?: string;
}

/** A new token that lets hosts join. */
export async function createToken({ client, clock, random }: TokenParts, wish: NewToken): Promise<Token> {
  for (;;) {
    const token = generateToken(random);
    const expiresAt: Instant | undefined = wish.ttlMs === undefined ? undefined : clock.now() + wish.ttlMs;
    try {
      await client.create(Secret, tokenSecret(token, { expiresAt, description: wish.description }));
      return token;
    } catch (error) {
      // One of two thousand million ids: another one will do.
      if (!isReason(error, "AlreadyExists")) throw error;
    }
  }
}

/** Those that have not expired, by their ids. */
export async function listTokens({ client, clock }: Pick<TokenParts, "client" | "clock">): Promise<TokenRecord[]> {
  const options = { namespace: tokenNamespace, fieldSelector: `type=${tokenSecretType}` };
  const { items } = await client.list(Secret, options);
  return items.flatMap((secret) => readTokenSecret(secret) ?? [])
    .filter((record) => !isExpired(record, clock.now()))
    .sort((a, b) => a.token.id < b.token.id ? -1 : 1);
}

/** False when there is no such token. */
export async function revokeToken(client: Client, id: string): Promise<boolean> {
  try {
    await client.delete(Secret, { namespace: tokenNamespace, name: tokenSecretName(id) });
    return true;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}

const startDescription = "made by deno task start";

/** The token of the last start while it is good for some hours, otherwise a new one: starts leave no trail of tokens. */
export async function startToken(parts: TokenParts): Promise<Token> {
  const from = parts.clock.now() + limits.tokenReuseMs;
  const known = (await listTokens(parts)).find((record) =>
    record.description === startDescription && record.authenticates && record.expiresAt !== undefined &&
    record.expiresAt > from
  );
  return known?.token ?? await createToken(parts, { ttlMs: limits.tokenTtlMs, description: startDescription });
}

/** What another host is given. */
export function joinStringOf(access: Pick<Access, "server" | "ca">, token: Token): string {
  return formatJoinString({ server: access.server, token, caHash: publicKeyHash(access.ca) });
}
