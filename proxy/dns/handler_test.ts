import assert from "assert";
import { dnsSearchTimeoutMs } from "../../lib/limits.ts";
import { FakeClock, systemClock } from "../../lib/seams/clock.ts";
import { seededRandom, systemRandom } from "../../lib/seams/random.ts";
import { parseRange, rangeHas } from "../ipv4.ts";
import { at, service, slice } from "../testing/objects.ts";
import { type Exchange, Forwarder } from "./forward.ts";
import { Handler } from "./handler.ts";
import { decode, encode, type Message, rcodes, types } from "./message.ts";
import { Records, zoneFacts } from "./records.ts";
import { Resolver } from "./resolver.ts";
import { addressRr, dataText, soaRr } from "./rr.ts";
import { searchCandidates } from "./search.ts";
import { serveDns, socketExchange } from "./sockets.ts";

const world: Record<string, string> = { "www.example.org": "192.0.2.7", "db.corp.example": "192.0.2.8" };

interface Setup {
  exchange?: Exchange;
  ready?: Promise<void>;
}

function setUp({ exchange, ready = Promise.resolve() }: Setup = {}) {
  const clock = new FakeClock();
  const asked: string[] = [];
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  records.setNamespace("default", "exists");
  const add = (of: ReturnType<typeof service>, ...slices: ReturnType<typeof slice>[]) =>
    records.setService(of.metadata.name, of, slices);
  add(service("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }));
  add(service("prod/db", { clusterIP: "10.96.1.2" }));
  add(service("out", { type: "ExternalName", externalName: "www.example.org" }));
  add(
    service("many", { clusterIP: "None" }),
    slice("many", [], Array.from({ length: 60 }, (_, i) => at(`10.244.1.${i + 1}`))),
  );
  const zone = { records, ranges: [parseRange("10.96.0.0/16")!, parseRange("10.244.0.0/16")!] };
  const forwarder = new Forwarder({
    servers: () => [{ address: "9.9.9.9", port: 53 }],
    clock,
    random: seededRandom(1),
    exchange: exchange ?? ((_, bytes) => {
      const message = decode(bytes);
      const { name } = message.question!;
      asked.push(name);
      const address = world[name];
      const answer = address === undefined
        ? { rcode: rcodes.NXDOMAIN, authority: [soaRr("", 1, "root")] }
        : message.question!.type === types.A
        ? { answers: [addressRr(name, address, 60)] }
        : { authority: [soaRr("example.org", 1, "example.org")] };
      return Promise.resolve(encode({ ...message, response: true, ...answer }, 4_096));
    }),
  });
  const pods: Record<string, string> = { "10.244.1.2": "default", "10.244.1.3": "prod" };
  const resolver = new Resolver({
    zone,
    forwarder,
    clock,
    asker: (from) => pods[from] === undefined ? undefined : { namespace: pods[from], moreSearches: ["corp.example"] },
  });
  const handler = new Handler({
    zone,
    resolver,
    ready,
    admits: (from) => rangeHas("10.0.0.0/8", from) || rangeHas("127.0.0.0/8", from),
  });
  return { records, handler, asked, add, clock };
}

const query = (name: string, type: number = types.A, more: Partial<Message> = {}): Uint8Array =>
  encode({
    id: 0xbeef,
    response: false,
    opcode: 0,
    authoritative: false,
    truncated: false,
    recursionDesired: true,
    recursionAvailable: false,
    checkingDisabled: false,
    rcode: 0,
    question: { name, type, class: 1 },
    answers: [],
    authority: [],
    additional: [],
    edns: undefined,
    ...more,
  }, 4_096);

async function ask(
  handler: Handler,
  bytes: Uint8Array,
  from = "10.244.1.2",
  via: "udp" | "tcp" = "udp",
): Promise<Message> {
  return decode((await handler.handle(bytes, from, via))!);
}

const summary = ({ rcode, answers }: Message) =>
  rcode === 0
    ? answers.map((a) => `${a.type === types.CNAME ? "CNAME " : ""}${dataText(a)}`).join(", ")
    : `rcode ${rcode}`;

const pod = "10.244.1.2";
const cases: [name: string, from: string, summary: string][] = [
  ["web.default.svc.cluster.local", pod, "10.96.1.1"],
  ["www.example.org", pod, "192.0.2.7"],
  ["out.default.svc.cluster.local", pod, "CNAME www.example.org, 192.0.2.7"],
  // Search paths.
  ["www.example.org.default.svc.cluster.local", pod, "CNAME www.example.org, 192.0.2.7"],
  ["db.prod.default.svc.cluster.local", pod, "CNAME db.prod.svc.cluster.local, 10.96.1.2"],
  ["web.default.svc.cluster.local.default.svc.cluster.local", pod, "CNAME web.default.svc.cluster.local, 10.96.1.1"],
  ["db.default.svc.cluster.local", pod, "CNAME db.corp.example, 192.0.2.8"],
  [
    "out.default.svc.default.svc.cluster.local",
    pod,
    "CNAME out.default.svc.cluster.local, CNAME www.example.org, 192.0.2.7",
  ],
  ["nothing.default.svc.cluster.local", pod, "rcode 3"],
  ["no.such.host.default.svc.cluster.local", pod, "rcode 3"],
  // Whose search path it is not.
  ["www.example.org.default.svc.cluster.local", "10.244.1.3", "rcode 3"],
  ["www.example.org.default.svc.cluster.local", "10.244.9.9", "rcode 3"],
  ["www.example.org.svc.cluster.local", pod, "rcode 3"],
  ["www.example.org", "192.0.2.99", "rcode 5"],
  ["web.default.svc.cluster.local", "192.0.2.99", "rcode 5"],
];

for (const [name, from, wanted] of cases) {
  Deno.test(`Handler: ${name} for ${from} is ${wanted}`, async () => {
    assert.equal(summary(await ask(setUp().handler, query(name), from)), wanted);
  });
}

Deno.test("Handler answers AAAA of a searched name like A: the name is found, without address", async () => {
  const answer = await ask(setUp().handler, query("www.example.org.default.svc.cluster.local", types.AAAA));
  assert.equal(summary(answer), "CNAME www.example.org");
  assert.equal(answer.authority[0]?.type, types.SOA);
});

Deno.test("Handler asks the world once for a search path, and for no single word", async () => {
  const { handler, asked } = setUp();
  await ask(handler, query("www.example.org.default.svc.cluster.local"));
  assert.deepEqual(asked, ["www.example.org.corp.example", "www.example.org"]);
  asked.length = 0;
  await ask(handler, query("nothing.default.svc.cluster.local"));
  assert.deepEqual(asked, ["nothing.corp.example"]);
});

Deno.test("Handler leaves the search to the client when the world does not answer, or not soon", async () => {
  const name = "www.example.org.default.svc.cluster.local";
  const down = setUp({ exchange: () => Promise.reject(new Error("down")) });
  assert.equal((await ask(down.handler, query(name))).rcode, rcodes.NXDOMAIN);
  assert.equal((await ask(down.handler, query("www.example.org"))).rcode, rcodes.SERVFAIL);
  const slow = setUp({ exchange: () => new Promise(() => {}) });
  const answer = ask(slow.handler, query(name));
  await slow.clock.advance(0);
  await slow.clock.advance(dnsSearchTimeoutMs);
  assert.equal((await answer).rcode, rcodes.NXDOMAIN);
});

Deno.test("Handler answers from prepared bytes what the long way answers, whatever the case", async () => {
  const { handler } = setUp();
  for (
    const [name, type] of [
      ["web.default.svc.cluster.local", types.A],
      ["web.default.svc.cluster.local", types.AAAA],
      ["_http._tcp.web.default.svc.cluster.local", types.SRV],
      ["dns-version.cluster.local", types.TXT],
      ["1.1.96.10.in-addr.arpa", types.PTR],
    ] as const
  ) {
    const long = await handler.handle(query(name, type), pod, "udp");
    const before = handler.counts.prepared;
    const short = handler.handle(query(name, type), pod, "udp");
    assert.equal(handler.counts.prepared, before + 1, name);
    assert.deepEqual(short, long);
    const loud = decode(handler.handle(query(name.toUpperCase(), type), pod, "udp") as Uint8Array);
    assert.equal(loud.question!.name, name.toUpperCase());
    assert.equal(loud.answers.length, decode(long!).answers.length);
    const quiet = decode(
      handler.handle(query(name, type, { recursionDesired: false, id: 7 }), pod, "udp") as Uint8Array,
    );
    assert.deepEqual([quiet.id, quiet.recursionDesired], [7, false]);
  }
});

Deno.test("Handler forgets prepared bytes when the cluster changes", async () => {
  const { handler, add } = setUp();
  const name = "web.default.svc.cluster.local";
  for (let i = 0; i < 2; i++) assert.equal(summary(await ask(handler, query(name))), "10.96.1.1");
  add(service("web", { clusterIP: "10.96.1.99" }));
  for (let i = 0; i < 2; i++) assert.equal(summary(await ask(handler, query(name))), "10.96.1.99");
});

Deno.test("Handler does not give prepared answers to those it refuses, nor for another class or opcode", async () => {
  const { handler } = setUp();
  const name = "web.default.svc.cluster.local";
  await ask(handler, query(name));
  assert.equal((await ask(handler, query(name), "192.0.2.99")).rcode, rcodes.REFUSED);
  assert.equal((await ask(handler, query(name, 1, { question: { name, type: 1, class: 3 } }))).rcode, rcodes.REFUSED);
  assert.equal((await ask(handler, query(name, 1, { opcode: 5 }))).rcode, rcodes.NOTIMP);
});

Deno.test("Handler: EDNS, truncation, TCP, and what is no query", async () => {
  const { handler } = setUp();
  const many = "many.default.svc.cluster.local";
  const small = await ask(handler, query(many));
  assert.deepEqual([small.truncated, small.edns], [true, undefined]);
  const edns = { udpBytes: 4_096, version: 0, dnssec: false };
  const large = await ask(handler, query(many, types.A, { edns }));
  assert.deepEqual([large.truncated, large.answers.length, large.edns?.udpBytes], [false, 60, 1_232]);
  assert.equal((await ask(handler, query(many), pod, "tcp")).answers.length, 60);
  assert.equal((await ask(handler, query(many, 1, { edns: { ...edns, version: 1 } }))).rcode, rcodes.BADVERS);
  assert.equal((await ask(handler, query("cluster.local", types.AXFR))).rcode, rcodes.REFUSED);
  assert.equal((await ask(handler, query("x", 1, { question: undefined }))).rcode, rcodes.FORMERR);
  assert.equal((await ask(handler, query("a.b").slice(0, 15))).rcode, rcodes.FORMERR);
  assert.equal(handler.handle(query("a.b", 1, { response: true }), pod, "udp"), undefined);
  assert.equal(handler.handle(new Uint8Array(5), pod, "udp"), undefined);
});

Deno.test("Handler keeps questions about the cluster waiting until that is known, and no others", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { handler } = setUp({ ready: promise });
  const answer = ask(handler, query("web.default.svc.cluster.local"));
  let answered = false;
  void answer.then(() => answered = true);
  await new Promise((done) => queueMicrotask(() => done(undefined)));
  assert.equal(summary(await ask(handler, query("www.example.org"))), "192.0.2.7");
  assert.equal(answered, false);
  resolve();
  assert.equal(summary(await answer), "10.96.1.1");
});

Deno.test("searchCandidates() is the rest of the pod's path", () => {
  const asker = { namespace: "default", moreSearches: ["corp.example"] };
  const rest = (name: string) => searchCandidates(name, asker, "cluster.local");
  assert.deepEqual(rest("a.b.default.svc.cluster.local"), [
    "a.b.svc.cluster.local",
    "a.b.cluster.local",
    "a.b.corp.example",
    "a.b",
  ]);
  assert.deepEqual(rest("a.default.svc.cluster.local"), ["a.svc.cluster.local", "a.cluster.local", "a.corp.example"]);
  assert.equal(rest("default.svc.cluster.local"), undefined);
  assert.equal(rest("a.b.svc.cluster.local"), undefined);
});

Deno.test("serveDns() answers over UDP and TCP on one port, several questions on one connection", async () => {
  const { handler } = setUp();
  const listening = await serveDns(handler, { address: "127.0.0.1", port: 0 }, systemClock);
  try {
    const exchange = socketExchange(systemClock);
    const server = { address: "127.0.0.1", port: listening.port };
    for (const via of ["udp", "tcp"] as const) {
      const bytes = await exchange(
        server,
        query("web.default.svc.cluster.local") as Uint8Array<ArrayBuffer>,
        via,
        2_000,
      );
      assert.equal(summary(decode(bytes)), "10.96.1.1");
    }
    // As an upstream of another one, through real sockets.
    const forwarder = new Forwarder({ servers: () => [server], exchange, clock: systemClock, random: systemRandom });
    const flags = { dnssec: false, checkingDisabled: false };
    const many = await forwarder.ask({ name: "many.default.svc.cluster.local", type: 1, class: 1 }, flags);
    assert.equal(many.answers.length, 60);
    const conn = await Deno.connect({ hostname: "127.0.0.1", port: listening.port });
    const one = query("db.prod.svc.cluster.local");
    const framed = Uint8Array.of(0, one.length, ...one);
    await conn.write(Uint8Array.of(...framed, ...framed, ...framed.subarray(0, 5)));
    await conn.write(framed.subarray(5));
    await conn.closeWrite();
    const answers: number[] = [];
    for await (const chunk of conn.readable) answers.push(...chunk);
    assert.equal(answers.length, 3 * (2 + one.length + 16));
  } finally {
    await listening.close();
  }
});
