/** The opaque token with which a client asks for the next page: the snapshot's revision and the last key that it got. */
import { Buffer } from "node:buffer";
import { continueTokenBytesMax } from "../../lib/limits.ts";
import { statusError } from "../../lib/status.ts";
import type { Revision } from "../storage/store.ts";

export interface Continue {
  /** `"latest"`: go on from the key in whatever is there now (what an expired token is exchanged for). */
  revision: Revision | "latest";
  /** The last key of the page before. */
  after: string;
  /** Of the store: after a loss of data the revision means nothing. */
  epoch: string;
}

export function encodeContinue(token: Continue): string {
  const rv = token.revision === "latest" ? -1 : token.revision;
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv, after: token.after, epoch: token.epoch })).toString(
    "base64url",
  );
}

/** Throws BadRequest for what encodeContinue() did not make. */
export function decodeContinue(text: string): Continue {
  const bad = (why: string) => statusError("BadRequest", `continue key is not valid: ${why}`);
  if (text.length > continueTokenBytesMax || !/^[A-Za-z0-9_-]+=*$/.test(text)) throw bad("illegal base64 data");
  let parsed: { v?: unknown; rv?: unknown; after?: unknown; epoch?: unknown };
  try {
    parsed = JSON.parse(Buffer.from(text, "base64url").toString("utf8"));
  } catch {
    throw bad("it holds no token");
  }
  if (parsed === null || typeof parsed !== "object") throw bad("it holds no token");
  const { v, rv, after, epoch } = parsed;
  if (v !== "meta.k8s.io/v1") throw bad(`server does not recognize this encoded version ${JSON.stringify(v)}`);
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0 || rv < -1) {
    throw bad("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
  }
  if (typeof after !== "string" || after === "" || typeof epoch !== "string") throw bad("encoded start key empty");
  return { revision: rv === -1 ? "latest" : rv, after, epoch };
}
