/**
 * Signed tokens (RFC 7519, RFC 7515): ES256 with the keys of `pki/sa.key`. Several keys may stand in the file: the first signs, all are
 * accepted, so that a key is changed by putting another one before it. Leaves out what the claims mean.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from "node:crypto";
import { verifiedTokensMax } from "../../../lib/limits.ts";

export type Claims = Readonly<Record<string, unknown>>;

interface Key {
  readonly id: string;
  readonly secret: KeyObject;
  readonly open: KeyObject;
}

const algorithm = "ES256";
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A new key, PEM without a final newline. */
export function newTokenKey(): string {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  });
  return (privateKey as unknown as string).trim();
}

/** JSON Web Key Set (RFC 7517). */
export interface KeySet {
  keys: Record<string, unknown>[];
}

export class TokenKeys {
  readonly #keys: readonly Key[];
  /** Checking a signature takes a millisecond, looking whether it was checked before a microsecond. */
  readonly #verified = new Map<string, Claims>();

  /** `pem`: one key or several. Throws for what are no keys of this kind. */
  constructor(pem: string) {
    const texts = pem.match(/-----BEGIN (?:EC )?PRIVATE KEY-----[^-]+-----END (?:EC )?PRIVATE KEY-----/g) ?? [];
    if (texts.length === 0) throw new Error("the file of token keys holds no private key");
    this.#keys = texts.map(readKey);
  }

  sign(claims: Claims): string {
    const key = this.#keys[0]!;
    const text = `${encode({ alg: algorithm, kid: key.id })}.${encode(claims)}`;
    const signature = signBytes("sha256", Buffer.from(text), { key: key.secret, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  }

  /** Its claims, when the signature is right; when they are from, and how long they are good, is for the caller to say. */
  verify(token: string): Claims | undefined {
    const digest = createHash("sha256").update(token).digest("base64");
    const known = this.#verified.get(digest);
    if (known !== undefined) return known;
    const [head, , signature] = token.split(".");
    const header = readPart(head!);
    const key = this.#keys.find(({ id }) => id === header?.kid);
    if (key === undefined || header?.alg !== algorithm) return undefined;
    const bytes = Buffer.from(signature!, "base64url");
    const text = Buffer.from(token.slice(0, token.lastIndexOf(".")));
    if (bytes.length !== 64) return undefined;
    if (!verifyBytes("sha256", text, { key: key.open, dsaEncoding: "ieee-p1363" }, bytes)) return undefined;
    const claims = claimsOf(token);
    if (claims === undefined) return undefined;
    if (this.#verified.size >= verifiedTokensMax) this.#verified.delete(this.#verified.keys().next().value!);
    this.#verified.set(digest, claims);
    return claims;
  }

  /** Of all keys: what a token says it was signed with. */
  get ids(): readonly string[] {
    return this.#keys.map(({ id }) => id);
  }

  /** For who checks tokens elsewhere. */
  keySet(): KeySet {
    const keys = this.#keys.map(({ id, open }) => ({
      use: "sig",
      kid: id,
      alg: algorithm,
      ...open.export({ format: "jwk" }),
    }));
    return { keys };
  }
}

function readKey(pem: string): Key {
  const open = createPublicKey(pem);
  const type = `${open.asymmetricKeyType} ${open.asymmetricKeyDetails?.namedCurve}`;
  if (!["ec prime256v1", "ec p256", "ec P-256"].includes(type)) {
    throw new Error(`a token key is ${type}, and must be an EC key on the curve P-256`);
  }
  const der = open.export({ format: "der", type: "spki" });
  return { id: createHash("sha256").update(der).digest("base64url"), secret: createPrivateKey(pem), open };
}

/** What a token says, whoever signed it; `undefined` for what is no token. */
export function claimsOf(token: string): Claims | undefined {
  const parts = token.split(".");
  return parts.length === 3 && parts.every((part) => /^[A-Za-z0-9_-]+$/.test(part)) ? readPart(parts[1]!) : undefined;
}

function readPart(part: string): Claims | undefined {
  try {
    const value = JSON.parse(Buffer.from(part, "base64url").toString());
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    // Somebody else's token, or none.
    return undefined;
  }
}
