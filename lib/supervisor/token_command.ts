/** `deno task token create|list|revoke`: the tokens with which hosts join, by the admin's kubeconfig of this host. */
import { createClient } from "../client/client.ts";
import { httpsTransport, parseKubeconfig } from "../client/kubeconfig.ts";
import { type Flag, FlagError, text, type Values } from "../flags.ts";
import { isTokenId, type TokenRecord } from "../join/bootstrap_token.ts";
import { createToken, joinStringOf, listTokens, revokeToken } from "../join/tokens.ts";
import { tokenTtlMs } from "../limits.ts";
import { type Clock, rfc3339 } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";
import type { Random } from "../seams/random.ts";

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `1h30m`, `7d`; 0 is for ever, which is `undefined`. Throws an Error that says what it could be. */
export function parseTtl(given: string): number | undefined {
  if (given === "0") return undefined;
  if (!/^(\d+[smhd])+$/.test(given)) {
    throw new Error(`${JSON.stringify(given)} is not a time like 24h, 90m or 7d; 0: for ever`);
  }
  const ms = [...given.matchAll(/(\d+)([smhd])/g)].reduce((sum, [, n, unit]) => sum + Number(n) * unitMs[unit!]!, 0);
  if (ms === 0 || !Number.isSafeInteger(ms) || ms > 100 * 365 * unitMs.d!) {
    throw new Error(`${JSON.stringify(given)} is not a time from 1s to 100 years; 0: for ever`);
  }
  return ms;
}

const ttl: Flag<{ ms: number | undefined }> = {
  help: "how long the token can be used; 0: for ever",
  value: "TIME",
  default: Object.assign(Object.create({ toString: () => "24h" }), { ms: tokenTtlMs }),
  parse: (given) => ({ ms: parseTtl(given) }),
};

export const tokenFlags = {
  "data-dir": text("where the cluster's state lives", "DIR", "/var/lib/sauropod"),
  ttl,
  description: text("what the token is for", "TEXT", ""),
};

export interface TokenCommandParts {
  readonly clock: Clock;
  readonly random: Random;
  say(line: string): void;
}

/** Throws FlagError for words that are no command. */
export async function tokenCommand(
  words: readonly string[],
  values: Values<typeof tokenFlags>,
  { clock, random, say }: TokenCommandParts,
): Promise<void> {
  const [verb, ...rest] = words;
  const ids = verb === "revoke" ? 1 : 0;
  if (!["create", "list", "revoke"].includes(verb ?? "") || rest.length !== ids) {
    throw new FlagError("usage: deno task token create [--ttl 24h] [--description TEXT] | list | revoke ID");
  }
  const path = `${values["data-dir"]}/kubeconfig`;
  const kubeconfig = await readText(path);
  if (kubeconfig === undefined) {
    throw new Error(
      `${path}: there is no such file: tokens are made on the cluster's first host, after its first start`,
    );
  }
  const access = parseKubeconfig(kubeconfig);
  const transport = httpsTransport(access);
  const client = createClient(transport, { userAgent: "sauropod-token" });
  try {
    if (verb === "create") {
      const wish = { ttlMs: values.ttl.ms, description: values.description };
      say(joinStringOf(access, await createToken({ client, clock, random }, wish)));
    } else if (verb === "list") say(tokenTable(await listTokens({ client, clock })));
    else await revoke(client, rest[0]!, say);
  } finally {
    transport.close();
  }
}

async function revoke(client: ReturnType<typeof createClient>, given: string, say: (line: string) => void) {
  // A whole token is as good as its id, and is not said again.
  const id = given.slice(0, 6);
  if (!isTokenId(id) || (given.length > 6 && given[6] !== ".")) {
    throw new FlagError("a token's id is 6 lower-case letters and digits; `deno task token list` has them");
  }
  if (!await revokeToken(client, id)) throw new Error(`there is no token ${id}`);
  say(`revoked ${id}`);
}

/** Never the secrets. */
export function tokenTable(records: readonly TokenRecord[]): string {
  const rows = records.map(({ token, expiresAt, description }) => [
    token.id,
    expiresAt === undefined ? "never" : rfc3339(expiresAt),
    description,
  ]);
  return [["ID", "EXPIRES", "DESCRIPTION"], ...rows]
    .map(([id, expires, description]) => `${id!.padEnd(8)}${expires!.padEnd(22)}${description}`.trimEnd()).join("\n");
}
