/**
 * Asks upstream servers what the cluster does not know: one question once at a time, with a random id from a port of its own, over UDP and,
 * when that is truncated, TCP; the servers in their order, those that failed lately last; answers are kept.
 */
import { getLogger } from "log";
import {
  dnsAvoidMs,
  dnsCacheEntriesMax,
  dnsCacheSecondsMax,
  dnsFailureSeconds,
  dnsFailuresMax,
  dnsInFlightMax,
  dnsNegativeSecondsMax,
  dnsTriesMax,
  dnsTryTimeoutMs,
  dnsUdpBytesMax,
} from "../../lib/limits.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { AnswerCache } from "./cache.ts";
import { decode, encode, type Message, type Question, rcodes, types } from "./message.ts";
import type { Answer } from "./resolve.ts";
import { negativeTtl } from "./rr.ts";

const logger = getLogger(["sauropod", "proxy", "dns"]);

/** An upstream server. */
export interface Server {
  readonly address: string;
  readonly port: number;
}

/** Carries one question to a server and one answer back; sockets.ts is the real one. Rejects on timeout and refusal. */
export type Exchange = (
  server: Server,
  question: Uint8Array<ArrayBuffer>,
  via: "udp" | "tcp",
  timeoutMs: number,
) => Promise<Uint8Array>;

export interface ForwarderOptions {
  /** Who knows about a name (in lower case), in the order in which they are asked. */
  servers(name: string): readonly Server[];
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ForwardFlags {
  readonly dnssec: boolean;
  readonly checkingDisabled: boolean;
}

export const failure: Answer = {
  rcode: rcodes.SERVFAIL,
  authoritative: false,
  answers: [],
  authority: [],
  additional: [],
};

export class Forwarder {
  readonly #cache = new AnswerCache(dnsCacheEntriesMax);
  readonly #flights = new Map<string, Promise<Answer>>();
  readonly #health = new Map<string, { failures: number; avoidUntil: Instant }>();
  #generation = 0;
  readonly counts = { asked: 0, cached: 0, failed: 0, refused: 0 };

  constructor(readonly options: ForwarderOptions) {}

  /** Never rejects: what can't be found out is SERVFAIL. */
  async ask(question: Question, flags: ForwardFlags): Promise<Answer> {
    const { clock } = this.options;
    const name = question.name.toLowerCase();
    const key = `${question.type} ${question.class} ${flags.dnssec} ${flags.checkingDisabled} ${name}`;
    const kept = this.#cache.get(key, clock.now());
    if (kept !== undefined) {
      this.counts.cached++;
      return kept;
    }
    const flying = this.#flights.get(key);
    if (flying !== undefined) return await flying;
    if (this.#flights.size >= dnsInFlightMax) {
      this.counts.refused++;
      return failure;
    }
    const generation = this.#generation;
    const flight = this.#fly({ ...question, name }, flags);
    this.#flights.set(key, flight);
    try {
      const answer = await flight;
      if (generation === this.#generation) this.#cache.set(key, answer, keepSeconds(answer), clock.now());
      return answer;
    } finally {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    }
  }

  /** Others are asked from now on: what the former ones said does not hold. */
  forget(): void {
    this.#generation++;
    this.#cache.clear();
    this.#flights.clear();
  }

  async #fly(question: Question, flags: ForwardFlags): Promise<Answer> {
    const servers = this.#inOrder(question.name);
    let last: Answer = failure;
    for (let i = 0; i < dnsTriesMax && servers.length > 0; i++) {
      const server = servers[i % servers.length]!;
      try {
        const message = await this.#askOne(server, question, flags);
        this.#health.delete(id(server));
        const { rcode, answers, authority, additional } = message;
        last = { rcode, authoritative: false, answers, authority, additional };
        if (rcode === rcodes.NOERROR || rcode === rcodes.NXDOMAIN) return last;
      } catch (error) {
        this.#failed(server, error);
      }
    }
    this.counts.failed++;
    return last;
  }

  async #askOne(server: Server, question: Question, flags: ForwardFlags): Promise<Message> {
    const [high, low] = this.options.random.bytes(2);
    const asked: Message = {
      id: (high! << 8) | low!,
      response: false,
      opcode: 0,
      authoritative: false,
      truncated: false,
      recursionDesired: true,
      recursionAvailable: false,
      checkingDisabled: flags.checkingDisabled,
      rcode: 0,
      question,
      answers: [],
      authority: [],
      additional: [],
      edns: { udpBytes: dnsUdpBytesMax, version: 0, dnssec: flags.dnssec },
    };
    const bytes = encode(asked, dnsUdpBytesMax);
    this.counts.asked++;
    const answer = this.#accept(asked, await this.options.exchange(server, bytes, "udp", dnsTryTimeoutMs));
    if (!answer.truncated) return answer;
    return this.#accept(asked, await this.options.exchange(server, bytes, "tcp", dnsTryTimeoutMs));
  }

  #accept(asked: Message, bytes: Uint8Array): Message {
    const answer = decode(bytes);
    const { question } = answer;
    if (!answer.response || answer.id !== asked.id) throw new Error("the answer has another id");
    if (
      question !== undefined && (question.name.toLowerCase() !== asked.question!.name ||
        question.type !== asked.question!.type || question.class !== asked.question!.class)
    ) throw new Error("the answer is to another question");
    return answer;
  }

  #inOrder(name: string): Server[] {
    const now = this.options.clock.now();
    const avoided = (server: Server) => (this.#health.get(id(server))?.avoidUntil ?? 0) > now;
    const servers = this.options.servers(name);
    return [...servers.filter((server) => !avoided(server)), ...servers.filter(avoided)];
  }

  #failed(server: Server, error: unknown): void {
    const health = this.#health.get(id(server)) ?? { failures: 0, avoidUntil: 0 };
    health.failures++;
    this.#health.set(id(server), health);
    if (health.failures < dnsFailuresMax) return;
    const now = this.options.clock.now();
    if (health.avoidUntil <= now) {
      logger.warn("DNS server {address}:{port} does not answer: {error}", { ...server, error: String(error) });
    }
    health.avoidUntil = now + dnsAvoidMs;
  }
}

const id = ({ address, port }: Server) => `${address}:${port}`;

/** For how long an answer holds, in seconds (RFC 2308 for negative ones). */
function keepSeconds({ rcode, answers, authority }: Answer): number {
  if (rcode !== rcodes.NOERROR && rcode !== rcodes.NXDOMAIN) return dnsFailureSeconds;
  if (rcode === rcodes.NOERROR && answers.length > 0) {
    return Math.min(dnsCacheSecondsMax, ...answers.map((record) => record.ttl));
  }
  const soa = authority.find((record) => record.type === types.SOA);
  return soa === undefined ? 0 : Math.min(dnsNegativeSecondsMax, negativeTtl(soa));
}
