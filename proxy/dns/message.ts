/** DNS messages (RFC 1035, EDNS0 of RFC 6891) to values and back. Record data is kept as bytes, with names in it uncompressed. */
import { FormatError, nameBytes, readName } from "./name.ts";

export const types = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DNAME: 39,
  OPT: 41,
  SVCB: 64,
  HTTPS: 65,
  IXFR: 251,
  AXFR: 252,
  ANY: 255,
} as const;

export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const;

export const classIn = 1;
export const classAny = 255;

export interface Question {
  /** As it was asked: letters keep their case. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
}

export interface Rr {
  readonly name: string;
  readonly type: number;
  /** Absent: IN. */
  readonly class?: number;
  /** Seconds. */
  readonly ttl: number;
  readonly data: Uint8Array;
}

export interface Edns {
  readonly udpBytes: number;
  readonly version: number;
  readonly dnssec: boolean;
}

export interface Message {
  readonly id: number;
  readonly response: boolean;
  readonly opcode: number;
  readonly authoritative: boolean;
  readonly truncated: boolean;
  readonly recursionDesired: boolean;
  readonly recursionAvailable: boolean;
  readonly checkingDisabled: boolean;
  readonly rcode: number;
  readonly question: Question | undefined;
  readonly answers: readonly Rr[];
  readonly authority: readonly Rr[];
  readonly additional: readonly Rr[];
  readonly edns: Edns | undefined;
}

/** Data whose names may be compressed, by type: how many bytes stand before the first name, and how many names follow. */
const namesIn: Record<number, { before: number; names: number }> = {
  [types.NS]: { before: 0, names: 1 },
  [types.CNAME]: { before: 0, names: 1 },
  [types.SOA]: { before: 0, names: 2 },
  [types.PTR]: { before: 0, names: 1 },
  [types.MX]: { before: 2, names: 1 },
  [types.SRV]: { before: 6, names: 1 },
  [types.DNAME]: { before: 0, names: 1 },
};

const u16 = (bytes: Uint8Array, at: number) => (bytes[at]! << 8) | bytes[at + 1]!;

/** Throws FormatError. At most one question is understood, as everywhere in practice. */
export function decode(bytes: Uint8Array): Message {
  if (bytes.length < 12) throw new FormatError("a message has at least 12 bytes");
  const flags = u16(bytes, 2);
  const counts = [u16(bytes, 6), u16(bytes, 8), u16(bytes, 10)];
  if (u16(bytes, 4) > 1) throw new FormatError("a message with more than one question");
  let at = 12;
  let question: Question | undefined;
  if (u16(bytes, 4) === 1) {
    const { name, end } = readName(bytes, at);
    if (end + 4 > bytes.length) throw new FormatError("the question runs over the end of the message");
    question = { name, type: u16(bytes, end), class: u16(bytes, end + 2) };
    at = end + 4;
  }
  const sections: Rr[][] = [];
  for (const count of counts) {
    const records: Rr[] = [];
    for (let i = 0; i < count; i++) {
      const { record, end } = readRecord(bytes, at);
      records.push(record);
      at = end;
    }
    sections.push(records);
  }
  const opt = sections[2]!.find((record) => record.type === types.OPT);
  return {
    id: u16(bytes, 0),
    response: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 15,
    authoritative: (flags & 0x0400) !== 0,
    truncated: (flags & 0x0200) !== 0,
    recursionDesired: (flags & 0x0100) !== 0,
    recursionAvailable: (flags & 0x0080) !== 0,
    checkingDisabled: (flags & 0x0010) !== 0,
    rcode: (flags & 15) | (opt === undefined ? 0 : (opt.ttl >>> 24) << 4),
    question,
    answers: sections[0]!,
    authority: sections[1]!,
    additional: sections[2]!.filter((record) => record.type !== types.OPT),
    edns: opt === undefined ? undefined : {
      udpBytes: opt.class!,
      version: (opt.ttl >>> 16) & 255,
      dnssec: (opt.ttl & 0x8000) !== 0,
    },
  };
}

function readRecord(bytes: Uint8Array, at: number): { record: Rr; end: number } {
  const { name, end: head } = readName(bytes, at);
  if (head + 10 > bytes.length) throw new FormatError("a record runs over the end of the message");
  const type = u16(bytes, head);
  const ttl = ((bytes[head + 4]! << 24) | (bytes[head + 5]! << 16) | u16(bytes, head + 6)) >>> 0;
  const start = head + 10;
  const end = start + u16(bytes, head + 8);
  if (end > bytes.length) throw new FormatError("a record runs over the end of the message");
  const data = namesIn[type] === undefined ? bytes.slice(start, end) : expand(bytes, start, end, namesIn[type]);
  return { record: { name, type, class: u16(bytes, head + 2), ttl, data }, end };
}

/** Copies record data with its names written out. */
function expand(bytes: Uint8Array, start: number, end: number, shape: { before: number; names: number }): Uint8Array {
  const parts = [bytes.slice(start, start + shape.before)];
  let at = start + shape.before;
  for (let i = 0; i < shape.names; i++) {
    const { name, end: next } = readName(bytes, at);
    parts.push(nameBytes(name));
    at = next;
  }
  if (at > end) throw new FormatError("a name in a record runs over its end");
  parts.push(bytes.slice(at, end));
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let to = 0;
  for (const part of parts) {
    whole.set(part, to);
    to += part.length;
  }
  return whole;
}

const ednsBytes = 11;

/**
 * The bytes of a message of at most `bytesMax`. What does not fit is left out from the end, record by record; when an answer or
 * authority record was, the message says that it is truncated.
 */
export function encode(message: Message, bytesMax: number): Uint8Array<ArrayBuffer> {
  const writer = new Writer(Math.min(bytesMax, 65_535));
  writer.skip(12);
  if (message.question !== undefined) {
    writer.name(message.question.name);
    writer.u16(message.question.type);
    writer.u16(message.question.class);
  }
  writer.reserve(message.edns === undefined ? 0 : ednsBytes);
  let truncated = message.truncated;
  const counts = [message.answers, message.authority, message.additional].map((records, section) => {
    let count = 0;
    for (const record of truncated ? [] : records) {
      if (!writer.record(record)) {
        // Additional records are a courtesy (RFC 2181, 9).
        truncated ||= section < 2;
        break;
      }
      count++;
    }
    return count;
  });
  writer.reserve(0);
  if (message.edns !== undefined) writer.edns(message.edns, message.rcode);
  const flags = (message.response ? 0x8000 : 0) | (message.opcode << 11) | (message.authoritative ? 0x0400 : 0) |
    (truncated ? 0x0200 : 0) | (message.recursionDesired ? 0x0100 : 0) | (message.recursionAvailable ? 0x0080 : 0) |
    (message.checkingDisabled ? 0x0010 : 0) | (message.rcode & 15);
  writer.header([
    message.id,
    flags,
    message.question === undefined ? 0 : 1,
    counts[0]!,
    counts[1]!,
    counts[2]! + (message.edns === undefined ? 0 : 1),
  ]);
  return writer.done();
}

class Writer {
  #bytes: Uint8Array<ArrayBuffer>;
  #at = 0;
  #limit: number;
  /** Where a name was written, for compression; owners of records only. */
  readonly #names = new Map<string, number>();

  constructor(private readonly bytesMax: number) {
    this.#bytes = new Uint8Array(Math.min(bytesMax, 1_024));
    this.#limit = bytesMax;
  }

  reserve(bytes: number): void {
    this.#limit = this.bytesMax - bytes;
  }

  skip(bytes: number): void {
    this.#room(bytes);
    this.#at += bytes;
  }

  u16(value: number): void {
    this.#room(2);
    this.#bytes[this.#at++] = value >>> 8;
    this.#bytes[this.#at++] = value;
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value & 0xffff);
  }

  put(bytes: Uint8Array): void {
    this.#room(bytes.length);
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  name(name: string): void {
    const known = this.#names.get(name);
    if (known !== undefined) return this.u16(0xc000 | known);
    if (this.#at < 0x4000 && name !== "") this.#names.set(name, this.#at);
    this.put(nameBytes(name));
  }

  /** False when it does not fit; nothing is written then. */
  record(record: Rr): boolean {
    const start = this.#at;
    this.name(record.name);
    this.u16(record.type);
    this.u16(record.class ?? classIn);
    this.u32(record.ttl);
    this.u16(record.data.length);
    this.put(record.data);
    if (this.#at <= this.#limit) return true;
    this.#at = start;
    for (const [name, at] of this.#names) if (at >= start) this.#names.delete(name);
    return false;
  }

  edns({ udpBytes, version, dnssec }: Edns, rcode: number): void {
    this.put(Uint8Array.of(0));
    this.u16(types.OPT);
    this.u16(udpBytes);
    this.u32(((rcode >> 4) << 24) | (version << 16) | (dnssec ? 0x8000 : 0));
    this.u16(0);
  }

  header(words: readonly number[]): void {
    words.forEach((word, i) => {
      this.#bytes[2 * i] = word >>> 8;
      this.#bytes[2 * i + 1] = word;
    });
  }

  done(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.#at);
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(2 * this.#bytes.length, this.#at + bytes));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}
