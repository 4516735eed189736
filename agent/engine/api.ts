/** The engine's HTTP API with its version prefix and its refusals as errors; what the files of calls build on. */
import type { Clock } from "../../lib/seams/clock.ts";
import { answerError } from "./answer_error.ts";
import type { Call, SocketHttp } from "./http.ts";
import type { Quirks } from "./quirks.ts";

export class Api {
  constructor(readonly http: SocketHttp, readonly version: string, readonly quirks: Quirks) {}

  get clock(): Clock {
    return this.http.clock;
  }

  /** The path as the engine wants it; one that names its version already stays. */
  versioned(path: string): string {
    return /^\/v\d/.test(path) ? path : `/v${this.version}${path}`;
  }

  /** Must succeed; a repetition without effect (304) counts. Throws EngineError. */
  async ok(call: Call, timeoutMs: number): Promise<string> {
    const answer = await this.http.request({ ...call, path: this.versioned(call.path) }, timeoutMs);
    if (answer.status >= 400) throw answerError(call, answer, this.quirks);
    return answer.text;
  }

  async json<T>(call: Call, timeoutMs: number): Promise<T> {
    return JSON.parse(await this.ok(call, timeoutMs)) as T;
  }

  /** Bytes as they come. Throws EngineError for a refusal. */
  async stream(call: Call, idleMs: number): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.http.stream({ ...call, path: this.versioned(call.path) }, idleMs);
    if (answer.status < 400) return answer.body;
    const text = await new Response(ReadableStream.from(answer.body)).text();
    throw answerError(call, { status: answer.status, text }, this.quirks);
  }
}
