/** What can go wrong with an engine, as one type with a code to decide by. */

/**
 * - `unavailable`: nothing answers on the socket, or it went away in the middle
 * - `timeout`: it answers, but not in time
 * - `not_found`: no such container; `no_image`: no such image, here or in the registry
 * - `exists`: the name is taken; `conflict`: it is in use, or in the wrong state
 * - `not_running`: the container does not run; `start_failed`: it could not be made to
 * - `invalid`: the engine refuses the request as it is; asking again will not help
 * - `denied`: the registry refuses these credentials; `unreachable`: it does not answer
 * - `engine`: anything else that the engine says
 */
export type EngineErrorCode =
  | "unavailable"
  | "timeout"
  | "not_found"
  | "no_image"
  | "exists"
  | "conflict"
  | "not_running"
  | "start_failed"
  | "invalid"
  | "denied"
  | "unreachable"
  | "engine";

const advice: Partial<Record<EngineErrorCode, string>> = {
  unavailable: "is the engine running, and may this process use its socket?",
  timeout: "the engine may be overloaded or stuck: look at its own log",
};

export class EngineError extends Error {
  override name = "EngineError";
  /** The engine's own words. */
  readonly detail: string;

  constructor(
    readonly code: EngineErrorCode,
    /** `start`, `pull`, … */
    readonly operation: string,
    /** Container or image. */
    readonly subject: string,
    detail: string,
    options?: ErrorOptions,
  ) {
    const what = subject === "" ? operation : `${operation} ${subject}`;
    const hint = advice[code];
    super(`${what}: ${detail}${hint === undefined ? "" : ` (${hint})`}`, options);
    this.detail = detail;
  }
}

/** True for an EngineError with one of these codes. */
export function isEngineError(error: unknown, ...codes: EngineErrorCode[]): error is EngineError {
  return error instanceof EngineError && (codes.length === 0 || codes.includes(error.code));
}
