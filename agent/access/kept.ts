/** Answers that cost a question to the API server: kept for a while, at most so many, and asked for once by however many wait. */
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { statusError } from "../../lib/status.ts";

export interface KeptOptions<T> {
  readonly clock: Pick<Clock, "now">;
  /** The one that was used longest ago goes first. */
  readonly entriesMax: number;
  /** Questions under way. */
  readonly questionsMax: number;
  readonly keepMs: (answer: T) => number;
}

export class Kept<T> {
  readonly #answers = new Map<string, { readonly answer: T; readonly until: Instant }>();
  readonly #questions = new Map<string, Promise<T>>();

  constructor(readonly options: KeptOptions<T>) {}

  get size(): number {
    return this.#answers.size;
  }

  /** What `ask` answered of late; what it throws is kept for nobody. Throws StatusError TooManyRequests when too much is being asked. */
  async get(key: string, ask: () => Promise<T>): Promise<T> {
    const known = this.#answers.get(key);
    if (known !== undefined) {
      this.#answers.delete(key);
      if (known.until > this.options.clock.now()) {
        this.#answers.set(key, known);
        return known.answer;
      }
    }
    const asked = this.#questions.get(key);
    if (asked !== undefined) return await asked;
    if (this.#questions.size >= this.options.questionsMax) {
      throw statusError("TooManyRequests", "too many requests of unknown users, please try again later");
    }
    const question = ask();
    this.#questions.set(key, question);
    try {
      const answer = await question;
      this.#keep(key, answer);
      return answer;
    } finally {
      this.#questions.delete(key);
    }
  }

  #keep(key: string, answer: T): void {
    const { clock, entriesMax, keepMs } = this.options;
    if (this.#answers.size >= entriesMax) this.#answers.delete(this.#answers.keys().next().value!);
    this.#answers.set(key, { answer, until: clock.now() + keepMs(answer) });
  }
}
