/** Answers from upstream servers, for as long as they say, within our limits. The oldest use goes first when it is full. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Answer } from "./resolve.ts";

interface Kept {
  answer: Answer;
  since: Instant;
  until: Instant;
}

export class AnswerCache {
  readonly #kept = new Map<string, Kept>();

  constructor(private readonly entriesMax: number) {}

  get size(): number {
    return this.#kept.size;
  }

  clear(): void {
    this.#kept.clear();
  }

  /** With the time that is left; `undefined` when there is none. */
  get(key: string, now: Instant): Answer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    if (kept.until <= now) return undefined;
    this.#kept.set(key, kept);
    const age = Math.floor((now - kept.since) / 1_000);
    if (age <= 0) return kept.answer;
    const aged = (records: Answer["answers"]) =>
      records.map((record) => ({ ...record, ttl: Math.max(0, record.ttl - age) }));
    const { answers, authority, additional } = kept.answer;
    return { ...kept.answer, answers: aged(answers), authority: aged(authority), additional: aged(additional) };
  }

  set(key: string, answer: Answer, seconds: number, now: Instant): void {
    if (seconds <= 0) return;
    this.#kept.delete(key);
    if (this.#kept.size >= this.entriesMax) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(key, { answer, since: now, until: now + seconds * 1_000 });
  }
}
