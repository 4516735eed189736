/** `Warning` headers (RFC 7234, code 299), which kubectl prints. */
import { warningBytesMax, warningsBytesMax } from "../../lib/limits.ts";

/** Headers that carry the warnings, each once, as far as the limits allow. */
export function warningHeaders(warnings: readonly string[], headers: Headers = new Headers()): Headers {
  if (warnings.length === 0) return headers;
  let left = warningsBytesMax;
  for (const text of new Set(warnings)) {
    const quoted = quote(text);
    left -= quoted.length;
    if (left < 0) break;
    headers.append("warning", `299 - "${quoted}"`);
  }
  return headers;
}

/** Header values are Latin-1 without control characters; a quoted string escapes quotes and backslashes. */
function quote(text: string): string {
  // deno-lint-ignore no-control-regex -- exactly those can't be in a header
  const plain = text.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").replaceAll(/[^\u0020-\u007e]/g, "?");
  return plain.slice(0, warningBytesMax).replaceAll(/["\\]/g, (c) => `\\${c}`);
}
