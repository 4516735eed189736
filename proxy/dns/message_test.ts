import assert from "assert";
import fc from "fast-check";
import { decode, encode, type Message, type Rr, types } from "./message.ts";
import { FormatError, nameBytes, readName } from "./name.ts";
import { addressRr, nameRr, soaRr, srvRr, txtRr } from "./rr.ts";

const base: Message = {
  id: 0x1234,
  response: true,
  opcode: 0,
  authoritative: true,
  truncated: false,
  recursionDesired: true,
  recursionAvailable: true,
  checkingDisabled: false,
  rcode: 0,
  question: { name: "web.default.svc.cluster.local", type: types.A, class: 1 },
  answers: [],
  authority: [],
  additional: [],
  edns: undefined,
};

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

Deno.test("encode() writes an answer whose owner points to the question", () => {
  const bytes = encode({
    ...base,
    question: { name: "a.b", type: 1, class: 1 },
    answers: [addressRr("a.b", "10.96.0.1")],
  }, 512);
  assert.equal(
    hex(bytes),
    "123485800001000100000000" + "0161016200" + "00010001" + "c00c00010001000000050004" + "0a600001",
  );
});

Deno.test("decode() reads what encode() wrote, every kind of record", () => {
  const q = base.question!.name;
  const message: Message = {
    ...base,
    rcode: 3,
    answers: [
      addressRr(q, "10.96.0.1"),
      addressRr(q, "fd00::1"),
      nameRr(q, types.CNAME, "example.org"),
      srvRr(`_http._tcp.${q}`, { priority: 0, weight: 50, port: 80, target: q }),
      txtRr("dns-version.cluster.local", "1.1.0"),
    ].map((record) => ({ ...record, class: 1 })),
    authority: [{ ...soaRr("cluster.local", 7, "cluster.local"), class: 1 }],
    additional: [{ ...addressRr("other", "1.2.3.4"), class: 1 }],
    edns: { udpBytes: 1232, version: 0, dnssec: true },
  };
  assert.deepEqual(decode(encode(message, 4096)), message);
});

Deno.test("encode() cuts records that do not fit and says so", () => {
  const answers = Array.from(
    { length: 100 },
    (_, i) => ({ ...addressRr(base.question!.name, `10.0.0.${i}`), class: 1 }),
  );
  const bytes = encode({ ...base, answers, edns: { udpBytes: 512, version: 0, dnssec: false } }, 512);
  assert.ok(bytes.length <= 512);
  const read = decode(bytes);
  assert.equal(read.truncated, true);
  assert.ok(read.answers.length > 20 && read.answers.length < 100);
  assert.notEqual(read.edns, undefined);
});

Deno.test("encode() leaves out additional records without a word", () => {
  const additional = Array.from({ length: 100 }, (_, i) => addressRr(`host${i}.example`, `10.0.0.${i}`));
  const read = decode(encode({ ...base, additional }, 512));
  assert.equal(read.truncated, false);
  assert.ok(read.additional.length > 5);
});

Deno.test("decode() follows compression in names of data, and writes them out", () => {
  // www.example CNAME (pointer to example at 16)
  const bytes = Uint8Array.from([
    0,
    1,
    0x80,
    0,
    0,
    1,
    0,
    1,
    0,
    0,
    0,
    0,
    3,
    119,
    119,
    119,
    7,
    101,
    120,
    97,
    109,
    112,
    108,
    101,
    0,
    0,
    1,
    0,
    1,
    0xc0,
    12,
    0,
    5,
    0,
    1,
    0,
    0,
    0,
    60,
    0,
    2,
    0xc0,
    16,
  ]); // deno-fmt-ignore
  const [answer] = decode(bytes).answers as [Rr];
  assert.equal(answer.name, "www.example");
  assert.equal(readName(answer.data, 0).name, "example");
});

Deno.test("decode() refuses pointers that do not lead backwards, names too long, and messages cut short", () => {
  const question = (...name: number[]) => Uint8Array.from([0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...name, 0, 1, 0, 1]);
  const bad: Uint8Array[] = [
    question(0xc0, 12),
    question(0xc0, 20),
    question(64, ...new Array(64).fill(97), 0),
    question(...new Array(5).fill([63, ...new Array(63).fill(97)]).flat(), 0),
    question(3, 97).subarray(0, 14),
    Uint8Array.from([0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0]),
    new Uint8Array(5),
  ];
  for (const bytes of bad) assert.throws(() => decode(bytes), FormatError, hex(bytes));
});

Deno.test("decode() answers or throws FormatError, whatever it is given", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    if (bytes.length > 6) bytes.set([0, 1], 4);
    try {
      decode(bytes);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
    }
  }));
});

Deno.test("readName() reads what nameBytes() wrote", () => {
  const label = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
    minLength: 1,
    maxLength: 20,
  });
  const escape = (text: string) =>
    text.replace(/[.\\]/g, "\\$&").replace(/[^\x21-\x7e]/g, (c) => "\\" + String(c.charCodeAt(0)).padStart(3, "0"));
  fc.assert(fc.property(fc.array(label, { maxLength: 8 }), (labels) => {
    const name = labels.map(escape).join(".");
    const bytes = nameBytes(name);
    assert.deepEqual(readName(bytes, 0), { name, end: bytes.length });
  }));
});
