/**
 * Where audit events go: a file that is rotated, or standard output. Lines are written many at a time; who brings one when the buffer is
 * full waits until there is room again, so that no flood of requests goes unrecorded. What can't be written is counted and said.
 */
import { getLogger } from "log";
import { auditBufferCharactersMax } from "../../lib/limits.ts";

const logger = getLogger(["sauropod", "audit"]);

/** The outside that lines go to. */
export interface LineSink {
  write(bytes: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

export class AuditLog {
  events = 0;
  errors = 0;
  #lines: string[] = [];
  #characters = 0;
  #writing: Promise<void> | undefined;
  readonly #encoder = new TextEncoder();

  constructor(readonly sink: LineSink) {}

  /** Takes a line. A promise: the buffer is full, and there is room again when it resolves. */
  write(line: string): void | Promise<void> {
    this.events++;
    this.#lines.push(line);
    this.#characters += line.length;
    this.#writing ??= this.#flush();
    if (this.#characters > auditBufferCharactersMax) return this.#writing;
  }

  async #flush(): Promise<void> {
    // What comes in the same turn goes in the same write.
    await Promise.resolve();
    while (this.#lines.length > 0) {
      const lines = this.#lines;
      this.#lines = [];
      this.#characters = 0;
      try {
        await this.sink.write(this.#encoder.encode(lines.join("")));
      } catch (error) {
        this.errors += lines.length;
        logger.error("{count} audit events could not be written: {error}", {
          count: lines.length,
          error: String(error),
        });
      }
    }
    this.#writing = undefined;
  }

  /** Everything that was taken is written. */
  async close(): Promise<void> {
    await this.#writing;
    await this.sink.close();
  }
}
