/**
 * Bytes of a query → bytes of its answer, without sockets. Questions about the cluster that were asked before are answered from prepared
 * bytes, without making values of them: that is most of all questions, and several times faster.
 */
import { getLogger } from "log";
import { dnsInFlightMax, dnsUdpBytes, dnsUdpBytesMax } from "../../lib/limits.ts";
import { classAny, classIn, decode, encode, type Message, rcodes, types } from "./message.ts";
import { FormatError } from "./name.ts";
import { type Answer, isOurs, type Zone } from "./resolve.ts";
import type { Resolver } from "./resolver.ts";

const logger = getLogger(["sauropod", "proxy", "dns"]);

export interface HandlerOptions {
  readonly zone: Zone;
  readonly resolver: Resolver;
  /** Who may ask; others are refused, so that nobody outside is answered by way of us. */
  admits(address: string): boolean;
  /** Resolves when the zone knows the cluster; questions about it that come before wait for it. */
  readonly ready: Promise<void>;
}

interface Prepared {
  /** Flags as they are answered, without "recursion desired", which the query decides. */
  readonly flags: number;
  readonly counts: readonly [number, number, number];
  /** What follows the question. */
  readonly tail: Uint8Array;
}

const preparedMax = 8_192;
const nothing: Answer = { rcode: 0, authoritative: false, answers: [], authority: [], additional: [] };

export class Handler {
  readonly #prepared = new Map<string, Prepared>();
  #generation = 0;
  /** Until the zone is known: how many questions wait. */
  #waiting: number | undefined = 0;
  readonly counts = { udp: 0, tcp: 0, prepared: 0, rcodes: new Map<number, number>() };

  constructor(readonly options: HandlerOptions) {
    void options.ready.then(() => this.#waiting = undefined);
  }

  /** The answer, at once where it is prepared; `undefined` for what deserves none. */
  handle(
    query: Uint8Array,
    from: string,
    via: "udp" | "tcp",
  ): Uint8Array | undefined | Promise<Uint8Array | undefined> {
    this.counts[via]++;
    if (query.length < 12 || (query[2]! & 0x80) !== 0) return undefined;
    const key = this.options.admits(from) ? plainKey(query) : undefined;
    if (key !== undefined) {
      const { generation } = this.options.zone.records;
      if (generation !== this.#generation) {
        this.#prepared.clear();
        this.#generation = generation;
      }
      const prepared = this.#prepared.get(key);
      if (prepared !== undefined) return this.#fromPrepared(query, prepared);
    }
    return this.#answer(query, from, via, key);
  }

  #fromPrepared(query: Uint8Array, { flags, counts, tail }: Prepared): Uint8Array {
    this.counts.prepared++;
    this.#count(0);
    const answer = new Uint8Array(query.length + tail.length);
    answer.set(query);
    answer.set(tail, query.length);
    answer[2] = (flags >> 8) | (query[2]! & 0x01);
    answer[3] = (flags & 0xff) | (query[3]! & 0x10);
    for (let i = 0; i < 3; i++) {
      answer[6 + 2 * i] = counts[i]! >> 8;
      answer[7 + 2 * i] = counts[i]! & 255;
    }
    return answer;
  }

  #count(rcode: number): void {
    this.counts.rcodes.set(rcode, (this.counts.rcodes.get(rcode) ?? 0) + 1);
  }

  async #answer(query: Uint8Array, from: string, via: "udp" | "tcp", key: string | undefined): Promise<Uint8Array> {
    const { generation } = this.options.zone.records;
    let asked: Message;
    try {
      asked = decode(query);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.#count(rcodes.FORMERR);
      return Uint8Array.of(query[0]!, query[1]!, 0x80 | (query[2]! & 0x79), rcodes.FORMERR, 0, 0, 0, 0, 0, 0, 0, 0);
    }
    const answer = await this.#resolve(asked, from);
    this.#count(answer.rcode);
    const message: Message = {
      ...asked,
      response: true,
      authoritative: answer.authoritative,
      truncated: false,
      recursionAvailable: true,
      rcode: answer.rcode,
      answers: answer.answers,
      authority: answer.authority,
      additional: answer.additional,
      edns: asked.edns === undefined ? undefined : { udpBytes: dnsUdpBytesMax, version: 0, dnssec: asked.edns.dnssec },
    };
    const bytes = encode(message, via === "tcp" ? 65_535 : udpRoom(asked));
    if (key !== undefined && generation === this.options.zone.records.generation) {
      this.#prepare(key, query, bytes, answer);
    }
    return bytes;
  }

  async #resolve(asked: Message, from: string): Promise<Answer> {
    if (asked.opcode !== 0) return { ...nothing, rcode: rcodes.NOTIMP };
    if ((asked.edns?.version ?? 0) > 0) return { ...nothing, rcode: rcodes.BADVERS };
    const { question } = asked;
    if (question === undefined) return { ...nothing, rcode: rcodes.FORMERR };
    const understood = question.class === classIn || question.class === classAny;
    if (!understood || !this.options.admits(from)) return { ...nothing, rcode: rcodes.REFUSED };
    if (this.#waiting !== undefined && isOurs(this.options.zone, question.name)) {
      if (this.#waiting >= dnsInFlightMax) return { ...nothing, rcode: rcodes.SERVFAIL };
      this.#waiting++;
      await this.options.ready;
    }
    try {
      return await this.options.resolver.resolve(
        { ...question, class: classIn },
        from,
        { dnssec: asked.edns?.dnssec ?? false, checkingDisabled: asked.checkingDisabled },
      );
    } catch (error) {
      logger.error("{name} type {type}: {error}", { ...question, error: String(error) });
      return { ...nothing, rcode: rcodes.SERVFAIL };
    }
  }

  /** Only what is the same for everyone and every time: the cluster's own, one address, not cut. */
  #prepare(key: string, query: Uint8Array, bytes: Uint8Array, answer: Answer): void {
    const turns = answer.answers.filter((record) => record.type === types.A || record.type === types.AAAA).length > 1;
    if (!answer.authoritative || answer.follow !== undefined || answer.rcode !== rcodes.NOERROR || turns) return;
    if ((bytes[2]! & 0x02) !== 0) return;
    if (this.#prepared.size >= preparedMax) this.#prepared.clear();
    const count = (at: number) => (bytes[at]! << 8) | bytes[at + 1]!;
    this.#prepared.set(key, {
      flags: ((bytes[2]! & 0xfe) << 8) | (bytes[3]! & 0xef),
      counts: [count(6), count(8), count(10)],
      tail: bytes.slice(query.length),
    });
  }
}

/** How many bytes the asker takes in one datagram. */
function udpRoom(asked: Message): number {
  return Math.min(dnsUdpBytesMax, Math.max(dnsUdpBytes, asked.edns?.udpBytes ?? 0));
}

const latin = Array.from(
  { length: 256 },
  (_, byte) => String.fromCharCode(byte >= 65 && byte <= 90 ? byte + 32 : byte),
);

/**
 * The question of a query that is nothing but a question (no EDNS, no other opcode), as text in lower case; `undefined` for others. Bytes
 * of lengths are below 64 and so no letters; type and class are not lowered.
 */
function plainKey(query: Uint8Array): string | undefined {
  const size = query.length;
  if (size < 17 || size > 300 || (query[2]! & 0xfe) !== 0) return undefined;
  // One question, no records.
  for (let i = 4; i < 12; i++) if (query[i] !== (i === 5 ? 1 : 0)) return undefined;
  const end = size - 5;
  if (query[end] !== 0) return undefined;
  let key = "";
  let label = 0;
  for (let at = 12; at < end; at++) {
    if (label === 0) {
      label = query[at]!;
      if (label === 0 || label > 63) return undefined;
      key += latin[label];
    } else {
      key += latin[query[at]!];
      label--;
    }
  }
  if (label !== 0) return undefined;
  return key + "\0" + String.fromCharCode(query[end + 2]!, query[end + 1]!, query[end + 4]!, query[end + 3]!);
}
