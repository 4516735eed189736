/**
 * Bootstrap tokens: what a host shows that is not a node yet. Each is a Secret `bootstrap-token-<id>` in kube-system, exactly as Kubernetes
 * has them (k8s.io/cluster-bootstrap/token), so kubeadm's tools read ours and we read theirs. Pure.
 */
import type { New } from "../kind.ts";
import { type Instant, rfc3339 } from "../seams/clock.ts";
import type { Random } from "../seams/random.ts";
import type { Secret } from "../types/core_v1.ts";

export interface Token {
  /** Public: names the Secret. */
  readonly id: string;
  readonly secret: string;
}

export const tokenNamespace = "kube-system";
export const tokenSecretType = "bootstrap.kubernetes.io/token";
const namePrefix = "bootstrap-token-";
/** The group of every bootstrap token, and of those that join nodes. */
export const bootstrapGroup = "system:bootstrappers";
export const nodeBootstrapGroup = "system:bootstrappers:sauropod:worker";

const alphabet = "0123456789abcdefghijklmnopqrstuvwxyz";

function letters(random: Random, length: number): string {
  let text = "";
  while (text.length < length) {
    // 252 is the largest multiple of 36 in a byte: above it the first letters would come up more often.
    for (const byte of random.bytes(length)) if (byte < 252 && text.length < length) text += alphabet[byte % 36];
  }
  return text;
}

/** 83 bits of secret, as Kubernetes has it. */
export function generateToken(random: Random): Token {
  return { id: letters(random, 6), secret: letters(random, 16) };
}

export function formatToken({ id, secret }: Token): string {
  return `${id}.${secret}`;
}

/** `undefined` for what is no bootstrap token. */
export function parseToken(text: string): Token | undefined {
  const match = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text);
  return match === null ? undefined : { id: match[1]!, secret: match[2]! };
}

export function isTokenId(text: string): boolean {
  return /^[a-z0-9]{6}$/.test(text);
}

export function tokenSecretName(id: string): string {
  return namePrefix + id;
}

export interface TokenOptions {
  /** `undefined`: never. */
  expiresAt: Instant | undefined;
  description?: string;
}

/** The Secret of a token that lets a host join as a node. */
export function tokenSecret(token: Token, { expiresAt, description }: TokenOptions): New<Secret> {
  const data: Record<string, string> = {
    "token-id": token.id,
    "token-secret": token.secret,
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": nodeBootstrapGroup,
  };
  if (expiresAt !== undefined) data.expiration = rfc3339(expiresAt);
  if (description !== undefined && description !== "") data.description = description;
  return {
    metadata: { name: tokenSecretName(token.id), namespace: tokenNamespace },
    type: tokenSecretType,
    data: Object.fromEntries(Object.entries(data).map(([name, value]) => [name, encode(value)])),
  };
}

/** What a token's Secret says. */
export interface TokenRecord {
  readonly token: Token;
  /** `undefined`: never. `NaN`: what stands there is no time. */
  readonly expiresAt: Instant | undefined;
  readonly description: string;
  /** May be shown to the API server. */
  readonly authenticates: boolean;
  readonly extraGroups: readonly string[];
}

/** `undefined` for a Secret that is no bootstrap token: of another type, or not named for its id. */
export function readTokenSecret(secret: Secret): TokenRecord | undefined {
  if (secret.type !== tokenSecretType) return undefined;
  const field = (name: string) => decode(secret.data?.[name] ?? "");
  const id = field("token-id");
  if (!isTokenId(id) || secret.metadata.name !== tokenSecretName(id) || field("token-secret") === "") return undefined;
  const expiration = field("expiration");
  return {
    token: { id, secret: field("token-secret") },
    expiresAt: expiration === "" ? undefined : Date.parse(expiration),
    description: field("description"),
    authenticates: field("usage-bootstrap-authentication") === "true",
    extraGroups: field("auth-extra-groups").split(",").map((group) => group.trim()).filter((group) => group !== ""),
  };
}

/** A time that can't be read is over, as Kubernetes has it: a token must not live on for a typing error. */
export function isExpired({ expiresAt }: Pick<TokenRecord, "expiresAt">, now: Instant): boolean {
  return expiresAt !== undefined && !(now < expiresAt);
}

function encode(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function decode(base64: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
  } catch {
    // Not base64: the API would not have stored it. Whoever reads it finds nothing.
    return "";
  }
}
