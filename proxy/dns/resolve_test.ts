import assert from "assert";
import { parseRange } from "../ipv4.ts";
import { at, draining, service, slice, unready } from "../testing/objects.ts";
import { rcodes, types } from "./message.ts";
import { Records, zoneFacts } from "./records.ts";
import { resolve, type Zone } from "./resolve.ts";
import { dataText } from "./rr.ts";

function zone(): Zone {
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  const add = (of: ReturnType<typeof service>, ...slices: ReturnType<typeof slice>[]) =>
    records.setService(`${of.metadata.namespace}/${of.metadata.name}`, of, slices);
  records.setNamespace("default", "exists");
  records.setNamespace("empty", "exists");
  add(
    service("web", {
      clusterIP: "10.96.1.1",
      ports: [{ name: "http", port: 80 }, { name: "dns", port: 53, protocol: "UDP" }],
    }),
  );
  add(service("prod/db", { clusterIP: "10.96.1.2", ports: [{ port: 5432 }] }));
  add(
    service("peers", { clusterIP: "None", ports: [{ name: "http", port: 80 }] }),
    slice("peers", [{ name: "http", port: 8080, protocol: "TCP" }], [
      at("10.244.1.2", "n1", { hostname: "peers-0" }),
      at("10.244.2.2", "n2"),
      at("10.244.2.3", "n2", unready),
      at("10.244.2.4", "n2", draining),
    ]),
  );
  add(service("lonely", { clusterIP: "None" }), slice("lonely", [], [at("10.244.9.9", "n1", unready)]));
  add(service("elsewhere", { type: "ExternalName", externalName: "WWW.example.org." }));
  add(service("alias", { type: "ExternalName", externalName: "web.default.svc.cluster.local" }));
  return { records, ranges: [parseRange("10.96.0.0/16")!, parseRange("10.244.0.0/16")!] };
}

const nodata = "NOERROR (SOA)";
const nxdomain = "NXDOMAIN (SOA)";
const typeNames = Object.fromEntries(Object.entries(types).map(([name, number]) => [number, name]));

/** `NAME TYPE` → the answer's records, or how there is none. */
function ask(of: Zone, text: string): string {
  const [name, type] = text.split(" ");
  const answer = resolve(of, { name: name!, type: types[type as keyof typeof types], class: 1 });
  if (answer === undefined) return "not ours";
  for (const record of [...answer.answers, ...answer.authority, ...answer.additional]) assert.equal(record.ttl, 5);
  assert.equal(answer.authoritative, true);
  if (answer.answers.length === 0) {
    const rcode = Object.entries(rcodes).find(([, code]) => code === answer.rcode)![0];
    return `${rcode} (${answer.authority.map((record) => typeNames[record.type]).join(", ")})`;
  }
  const show = (records: typeof answer.answers) =>
    records.map((r) => `${typeNames[r.type]} ${dataText(r)}`).sort().join(", ");
  return show(answer.answers) + (answer.additional.length === 0 ? "" : ` + ${show(answer.additional)}`) +
    (answer.follow === undefined ? "" : ` → ${answer.follow}`);
}

const cases: [question: string, answer: string][] = [
  ["web.default.svc.cluster.local A", "A 10.96.1.1"],
  ["WEB.Default.svc.CLUSTER.local A", "A 10.96.1.1"],
  ["web.default.svc.cluster.local AAAA", nodata],
  ["web.default.svc.cluster.local MX", nodata],
  ["web.default.svc.cluster.local ANY", "A 10.96.1.1"],
  ["none.default.svc.cluster.local A", nxdomain],
  ["sub.web.default.svc.cluster.local A", nxdomain],
  ["_http._tcp.web.default.svc.cluster.local SRV", "SRV 0 100 80 web.default.svc.cluster.local + A 10.96.1.1"],
  ["_dns._udp.web.default.svc.cluster.local SRV", "SRV 0 100 53 web.default.svc.cluster.local + A 10.96.1.1"],
  ["_dns._tcp.web.default.svc.cluster.local SRV", nxdomain],
  ["_tcp.web.default.svc.cluster.local SRV", nodata],
  ["db.prod.svc.cluster.local A", "A 10.96.1.2"],
  ["db.prod.svc.cluster.local SRV", nodata],
  ["peers.default.svc.cluster.local A", "A 10.244.1.2, A 10.244.2.2"],
  ["peers-0.peers.default.svc.cluster.local A", "A 10.244.1.2"],
  ["10-244-2-2.peers.default.svc.cluster.local A", "A 10.244.2.2"],
  ["10-244-2-3.peers.default.svc.cluster.local A", nxdomain],
  [
    "_http._tcp.peers.default.svc.cluster.local SRV",
    "SRV 0 50 8080 10-244-2-2.peers.default.svc.cluster.local, SRV 0 50 8080 peers-0.peers.default.svc.cluster.local" +
    " + A 10.244.1.2, A 10.244.2.2",
  ],
  ["lonely.default.svc.cluster.local A", nodata],
  ["elsewhere.default.svc.cluster.local A", "CNAME www.example.org → www.example.org"],
  ["elsewhere.default.svc.cluster.local CNAME", "CNAME www.example.org"],
  ["alias.default.svc.cluster.local A", "A 10.96.1.1, CNAME web.default.svc.cluster.local"],
  ["alias.default.svc.cluster.local AAAA", "CNAME web.default.svc.cluster.local"],
  ["10-244-1-2.default.pod.cluster.local A", "A 10.244.1.2"],
  ["10-244-1-2.default.pod.cluster.local AAAA", nodata],
  ["10-244-1-256.default.pod.cluster.local A", nxdomain],
  ["fd00--1.default.pod.cluster.local AAAA", "AAAA fd000000000000000000000000000001"],
  ["10-244-1-2.nowhere.pod.cluster.local A", nxdomain],
  ["default.pod.cluster.local A", nodata],
  ["empty.svc.cluster.local A", nodata],
  ["prod.svc.cluster.local A", nodata],
  ["nowhere.svc.cluster.local A", nxdomain],
  ["svc.cluster.local A", nodata],
  ["cluster.local NS", "NS ns.dns.cluster.local"],
  ["cluster.local SOA", "SOA ns.dns.cluster.local"],
  ["ns.dns.cluster.local A", "A 10.96.0.10"],
  ["dns-version.cluster.local TXT", 'TXT "1.1.0"'],
  ["1.1.96.10.in-addr.arpa PTR", "PTR web.default.svc.cluster.local"],
  ["2.1.244.10.in-addr.arpa PTR", "PTR peers-0.peers.default.svc.cluster.local"],
  ["2.2.244.10.in-addr.arpa PTR", "PTR 10-244-2-2.peers.default.svc.cluster.local"],
  ["1.1.96.10.in-addr.arpa A", nodata],
  ["200.200.96.10.in-addr.arpa PTR", nxdomain],
  ["8.8.8.8.in-addr.arpa PTR", "not ours"],
  ["example.org A", "not ours"],
  ["notcluster.local A", "not ours"],
];

for (const [question, answer] of cases) {
  Deno.test(`resolve(): ${question} is ${answer}`, () => {
    const text = ask(zone(), question);
    assert.equal(text, answer);
  });
}

Deno.test("resolve() begins with another address of a headless Service each time", () => {
  const of = zone();
  const first = () =>
    dataText(resolve(of, { name: "peers.default.svc.cluster.local", type: types.A, class: 1 })!.answers[0]!);
  assert.deepEqual([first(), first(), first()], ["10.244.1.2", "10.244.2.2", "10.244.1.2"]);
});

Deno.test("Records: what a Service brought goes with it, and only that", () => {
  const records = new Records("cluster.local", zoneFacts("cluster.local", "10.96.0.10"));
  const before = records.size;
  const both = [
    service("web", { clusterIP: "10.96.1.1", ports: [{ name: "http", port: 80 }] }),
    service("db", { clusterIP: "10.96.1.2" }),
  ];
  for (const one of both) records.setService(one.metadata.name, one, []);
  const { generation } = records;
  records.setService("web", both[0], []);
  assert.equal(records.generation, generation, "the same again is no change");
  records.setService("web", undefined, []);
  assert.equal(records.has("web.default.svc.cluster.local"), false);
  assert.equal(records.has("_tcp.web.default.svc.cluster.local"), false);
  assert.deepEqual(records.values("db.default.svc.cluster.local", types.A), ["10.96.1.2"]);
  records.setService("db", undefined, []);
  assert.equal(records.size, before);
});
