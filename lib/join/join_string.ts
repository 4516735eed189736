/**
 * The one string that makes a host a worker: `sauropod://<token>@<host>:<port>/sha256:<hash>`. The hash is that of the public key of the
 * cluster's certificate authority, so nothing is trusted at first sight. No character of it means anything to a shell.
 */
import { formatToken, parseToken, type Token } from "./bootstrap_token.ts";

export interface JoinString {
  /** `https://host:port` */
  readonly server: string;
  readonly token: Token;
  /** SHA-256 of the authority's public key (SPKI), hex. */
  readonly caHash: string;
}

const shape = /^sauropod:\/\/([^@/]*)@(\[[0-9a-fA-F:]+\]|[^@/:]+):(\d{1,5})\/sha256:(.*)$/;

export function formatJoinString({ server, token, caHash }: JoinString): string {
  return `sauropod://${formatToken(token)}@${server.replace(/^https:\/\//, "")}/sha256:${caHash}`;
}

/** Throws an Error that says which part is wrong; the token's secret is in no message. */
export function parseJoinString(text: string): JoinString {
  const match = shape.exec(text.trim());
  if (match === null) {
    throw new Error(
      "this is no join string like sauropod://ID.SECRET@HOST:PORT/sha256:HASH; `deno task -q token create` on the first host prints one",
    );
  }
  const [, tokenText, host, portText, caHash] = match as unknown as [string, string, string, string, string];
  const token = parseToken(tokenText);
  if (token === undefined) {
    throw new Error("the token of the join string is not 6 and 16 lower-case letters and digits with a dot in between");
  }
  if (!(Number(portText) >= 1 && Number(portText) <= 65_535)) {
    throw new Error(`the join string's port ${portText} is not one from 1 to 65535`);
  }
  if (!/^[0-9a-f]{64}$/.test(caHash)) {
    throw new Error("the join string's hash is not 64 hexadecimal digits: was it copied to its end?");
  }
  return { server: `https://${host}:${portText}`, token, caHash };
}

/** What `--join` was given: the string itself, or `@FILE` with it, which keeps it out of the list of processes. */
export function readJoin(given: string, readFile: (path: string) => string): JoinString {
  if (!given.startsWith("@")) return parseJoinString(given);
  const path = given.slice(1);
  try {
    return parseJoinString(readFile(path));
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`);
  }
}
