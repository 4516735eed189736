/** An engine's refusal → EngineError. Pure. */
import { EngineError, type EngineErrorCode } from "./error.ts";
import type { Answer, Call } from "./http.ts";
import type { Quirks } from "./quirks.ts";

/** The engine's own words in an answer: `{"message": …}` (Podman adds `cause`), or text. */
export function messageOf(text: string): string {
  try {
    const { message } = JSON.parse(text) as { message?: unknown };
    if (typeof message === "string" && message !== "") return message.trim();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  return text.trim().slice(0, 2000);
}

export function answerError(call: Pick<Call, "operation" | "subject">, answer: Answer, quirks: Quirks): EngineError {
  const message = messageOf(answer.text) || `HTTP ${answer.status}`;
  const code = quirks.errorCode(call.operation, answer.status, message) ??
    codeOf(call.operation, answer.status, message);
  return new EngineError(code, call.operation, call.subject, message);
}

function codeOf(operation: string, status: number, message: string): EngineErrorCode {
  const aboutImage = operation.startsWith("image ") || operation === "pull";
  if (status === 404) return aboutImage || /image/i.test(message) && operation === "create" ? "no_image" : "not_found";
  if (/is not running|is not paused|is paused|container .* has not been started/i.test(message)) return "not_running";
  if (operation === "create" && status === 409) return "exists";
  if (operation === "start") return "start_failed";
  if (status === 409) return "conflict";
  if (operation === "pull") return pullErrorCode(message);
  if (status === 400) return "invalid";
  return "engine";
}

const notReached =
  /dial tcp|dial udp|no such host|connection refused|i\/o timeout|network is unreachable|no route to host|TLS handshake timeout|deadline exceeded|Client\.Timeout|server misbehaving|connection reset|unexpected EOF|: EOF|proxyconnect|too many requests|toomanyrequests|status:? (?:code )?(?:429|5\d\d)|HTTP status: 5\d\d/i;

/** What kept an image from being pulled, from the words that engines and registries use. */
export function pullErrorCode(message: string): EngineErrorCode {
  if (notReached.test(message)) return "unreachable";
  if (/unauthorized|denied|authentication required|no basic auth|forbidden|invalid username\/password/i.test(message)) {
    return "denied";
  }
  if (
    /manifest unknown|manifest for .* not found|name unknown|does not exist|not found|no matching manifest|image not known/i
      .test(message)
  ) {
    return "no_image";
  }
  return "engine";
}
