/** The wire format of protocol buffers: a bounded reader, and a writer that writes from the end so that lengths are known. */

/** The bytes are no such message. */
export class ProtobufError extends Error {
  override name = "ProtobufError";
}

export const wire = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder();
const encoder = new TextEncoder();

export class Reader {
  #at: number;
  readonly #end: number;
  readonly #view: DataView;

  constructor(readonly bytes: Uint8Array) {
    this.#at = 0;
    this.#end = bytes.length;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and wire type. */
  tag(): { tag: number; type: number } {
    const key = this.uint();
    const tag = Math.floor(key / 8);
    if (tag === 0 || tag > 0x1fffffff) throw new ProtobufError(`proto: illegal tag ${tag} (wire type ${key % 8})`);
    return { tag, type: key % 8 };
  }

  #low = 0;
  #high = 0;

  #varint(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.#at >= this.#end) throw new ProtobufError("unexpected EOF");
      const byte = this.bytes[this.#at++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else if (shift < 63) high |= bits << (shift - 32);
      else high |= (bits & 1) << 31;
      if (byte < 0x80) {
        this.#low = low >>> 0;
        this.#high = high >>> 0;
        return;
      }
    }
    throw new ProtobufError("proto: integer overflow");
  }

  /** An unsigned varint; lengths and tags. */
  uint(): number {
    this.#varint();
    return this.#high * 4294967296 + this.#low;
  }

  /** A signed 64-bit varint as a number: exact up to 2^53. */
  int64(): number {
    this.#varint();
    return (this.#high | 0) * 4294967296 + this.#low;
  }

  int32(): number {
    this.#varint();
    return this.#low | 0;
  }

  bool(): boolean {
    this.#varint();
    return this.#low !== 0 || this.#high !== 0;
  }

  double(): number {
    if (this.#end - this.#at < 8) throw new ProtobufError("unexpected EOF");
    const value = this.#view.getFloat64(this.#at, true);
    this.#at += 8;
    return value;
  }

  /** A view of the bytes, not a copy. */
  slice(): Uint8Array {
    const length = this.uint();
    if (length > this.#end - this.#at) throw new ProtobufError("unexpected EOF");
    const slice = this.bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return slice;
  }

  string(): string {
    return utf8.decode(this.slice());
  }

  skip(type: number): void {
    if (type === wire.varint) return this.#varint();
    if (type === wire.bytes) return void this.slice();
    const length = type === wire.fixed64 ? 8 : type === wire.fixed32 ? 4 : -1;
    if (length < 0) throw new ProtobufError(`proto: illegal wireType ${type}`);
    if (length > this.#end - this.#at) throw new ProtobufError("unexpected EOF");
    this.#at += length;
  }
}

export class Writer {
  #bytes = new Uint8Array(1024);
  /** What is written is from here to the end. */
  #start = 1024;

  /** How many bytes there are: what was written between two looks is a length. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(this.#start);
  }

  #reserve(count: number): number {
    if (count > this.#start) {
      const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.length + count + 1024));
      grown.set(this.#bytes.subarray(this.#start), grown.length - this.length);
      this.#start = grown.length - this.length;
      this.#bytes = grown;
    }
    return this.#start -= count;
  }

  raw(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  /** An integer of up to 53 bits; a negative one takes ten bytes, as protobuf demands. */
  varint(value: number): void {
    let low = value >>> 0;
    let high = Math.floor(value / 4294967296) >>> 0;
    const bytes: number[] = [];
    while (high !== 0 || low > 0x7f) {
      bytes.push((low & 0x7f) | 0x80);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    bytes.push(low);
    const at = this.#reserve(bytes.length);
    for (let i = 0; i < bytes.length; i++) this.#bytes[at + i] = bytes[i]!;
  }

  double(value: number): void {
    const at = this.#reserve(8);
    new DataView(this.#bytes.buffer).setFloat64(at, value, true);
  }

  string(text: string): void {
    const { length } = text;
    const at = this.#reserve(length);
    for (let i = 0; i < length; i++) {
      const c = text.charCodeAt(i);
      if (c > 0x7f) {
        this.#start += length;
        return this.raw(encoder.encode(text));
      }
      this.#bytes[at + i] = c;
    }
  }

  tag(tag: number, type: number): void {
    this.varint(tag * 8 + type);
  }

  /** Puts length and tag before what `write` writes. */
  message(tag: number, write: () => void): void {
    const before = this.length;
    write();
    this.varint(this.length - before);
    this.tag(tag, wire.bytes);
  }
}
