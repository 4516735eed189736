import assert from "assert";
import { dnsAvoidMs, dnsFailuresMax } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { type Exchange, Forwarder } from "./forward.ts";
import { decode, encode, type Message, rcodes, type Rr, types } from "./message.ts";
import { addressRr, dataText, soaRr } from "./rr.ts";

type Reply = Partial<Message> | "silence";

/** An upstream that answers by `reply`, and what it was asked: `ADDRESS VIA NAME`. */
function upstream(reply: (server: string, name: string, via: "udp" | "tcp") => Reply) {
  const asked: string[] = [];
  const exchange: Exchange = (server, bytes, via) => {
    const question = decode(bytes);
    asked.push(`${server.address} ${via} ${question.question!.name}`);
    const answer = reply(server.address, question.question!.name, via);
    if (answer === "silence") return Promise.reject(new Error("no answer"));
    return Promise.resolve(encode({ ...question, response: true, recursionAvailable: true, ...answer }, 4_096));
  };
  return { asked, exchange };
}

function forwarder(exchange: Exchange, ...addresses: string[]) {
  const clock = new FakeClock();
  const servers = addresses.map((address) => ({ address, port: 53 }));
  return { clock, forwarder: new Forwarder({ servers: () => servers, exchange, clock, random: seededRandom(1) }) };
}

const flags = { dnssec: false, checkingDisabled: false };
const ask = async (to: Forwarder, name: string) => {
  const { rcode, answers } = await to.ask({ name, type: types.A, class: 1 }, flags);
  return rcode === rcodes.NOERROR ? answers.map((a) => `${dataText(a)} ${a.ttl}`).join(", ") : rcode;
};
const found = (name: string, ttl = 60): Reply => ({ answers: [addressRr(name, "192.0.2.7", ttl)] });
const missing: Reply = { rcode: rcodes.NXDOMAIN, authority: [{ ...soaRr("org", 1, "org"), ttl: 20 } as Rr] };

Deno.test("Forwarder keeps an answer for its time, and counts that down", async () => {
  const { asked, exchange } = upstream((_, name) => found(name));
  const { clock, forwarder: to } = forwarder(exchange, "1.1.1.1");
  assert.equal(await ask(to, "Example.ORG"), "192.0.2.7 60");
  await clock.advance(15_000);
  assert.equal(await ask(to, "example.org"), "192.0.2.7 45");
  await clock.advance(46_000);
  assert.equal(await ask(to, "example.org"), "192.0.2.7 60");
  assert.equal(asked.length, 2);
});

Deno.test("Forwarder keeps a negative answer as long as its SOA says", async () => {
  const { asked, exchange } = upstream(() => missing);
  const { clock, forwarder: to } = forwarder(exchange, "1.1.1.1");
  for (const wait of [0, 4_000, 2_000]) {
    await clock.advance(wait);
    assert.equal(await ask(to, "no.example.org"), rcodes.NXDOMAIN);
  }
  // soaRr() has a minimum of 5 s.
  assert.equal(asked.length, 2);
});

Deno.test("Forwarder asks once for what many want at the same time", async () => {
  const { asked, exchange } = upstream((_, name) => found(name));
  const { forwarder: to } = forwarder(exchange, "1.1.1.1");
  const all = await Promise.all(Array.from({ length: 20 }, () => ask(to, "example.org")));
  assert.deepEqual([new Set(all).size, asked.length], [1, 1]);
});

Deno.test("Forwarder takes a truncated answer's question to TCP", async () => {
  const { asked, exchange } = upstream((_, name, via) => via === "udp" ? { truncated: true } : found(name));
  const { forwarder: to } = forwarder(exchange, "1.1.1.1");
  assert.equal(await ask(to, "example.org"), "192.0.2.7 60");
  assert.deepEqual(asked, ["1.1.1.1 udp example.org", "1.1.1.1 tcp example.org"]);
});

Deno.test("Forwarder asks the next server, and later leaves the silent one for last", async () => {
  const { asked, exchange } = upstream((server, name) => server === "1.1.1.1" ? "silence" : found(name, 0));
  const { clock, forwarder: to } = forwarder(exchange, "1.1.1.1", "2.2.2.2");
  for (let i = 0; i < dnsFailuresMax; i++) await ask(to, `a${i}.org`);
  asked.length = 0;
  await ask(to, "b.org");
  assert.deepEqual(asked, ["2.2.2.2 udp b.org"]);
  await clock.advance(dnsAvoidMs + 1);
  asked.length = 0;
  await ask(to, "c.org");
  assert.deepEqual(asked, ["1.1.1.1 udp c.org", "2.2.2.2 udp c.org"]);
});

Deno.test("Forwarder answers SERVFAIL when nobody does, and does not ask again at once", async () => {
  const { asked, exchange } = upstream(() => "silence");
  const { forwarder: to } = forwarder(exchange, "1.1.1.1", "2.2.2.2");
  assert.equal(await ask(to, "example.org"), rcodes.SERVFAIL);
  const tries = asked.length;
  assert.equal(await ask(to, "example.org"), rcodes.SERVFAIL);
  assert.equal(asked.length, tries);
});

Deno.test("Forwarder takes no answer to another question or with another id", async () => {
  for (const wrong of [{ id: 1 }, { question: { name: "other.org", type: 1, class: 1 } }, { response: false }]) {
    const { exchange } = upstream((_, name) => ({ ...found(name) as Partial<Message>, ...wrong }));
    const { forwarder: to } = forwarder(exchange, "1.1.1.1");
    assert.equal(await ask(to, "example.org"), rcodes.SERVFAIL, JSON.stringify(wrong));
  }
});

Deno.test("Forwarder without servers answers SERVFAIL", async () => {
  const { exchange } = upstream(() => "silence");
  assert.equal(await ask(forwarder(exchange).forwarder, "example.org"), rcodes.SERVFAIL);
});

Deno.test("Forwarder asks who knows the name, and forgets what others said when that changes", async () => {
  const { asked, exchange } = upstream((_, name) => found(name));
  let corp = "2.2.2.2";
  const to = new Forwarder({
    servers: (name) => [{ address: name.endsWith(".corp.example") ? corp : "1.1.1.1", port: 53 }],
    exchange,
    clock: new FakeClock(),
    random: seededRandom(1),
  });
  for (const name of ["WWW.Corp.Example", "www.example.org", "www.corp.example"]) await ask(to, name);
  corp = "3.3.3.3";
  to.forget();
  await ask(to, "www.corp.example");
  assert.deepEqual(asked, [
    "2.2.2.2 udp www.corp.example",
    "1.1.1.1 udp www.example.org",
    "3.3.3.3 udp www.corp.example",
  ]);
});
