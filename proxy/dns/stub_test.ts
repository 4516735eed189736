import assert from "assert";
import { noStubs, readStubs, serversOf } from "./stub.ts";

const read = (data: Record<string, string>) => readStubs({ data }, "10.96.0.10", "cluster.local");
const at = (address: string, port = 53) => ({ address, port });

Deno.test("readStubs() reads what Kubernetes documents for kube-dns", () => {
  const stubs = read({
    stubDomains: `{"Acme.Local.": ["1.2.3.4"], "corp.example": ["10.0.0.53:5353", "10.0.0.54"]}`,
    upstreamNameservers: `["8.8.8.8", "8.8.4.4"]`,
  });
  assert.deepEqual([...stubs.domains], [
    ["acme.local", [at("1.2.3.4")]],
    ["corp.example", [at("10.0.0.53", 5353), at("10.0.0.54")]],
  ]);
  assert.deepEqual(stubs.upstream, [at("8.8.8.8"), at("8.8.4.4")]);
  assert.deepEqual(stubs.problems, []);
  assert.deepEqual(readStubs(undefined, "10.96.0.10", "cluster.local"), noStubs);
});

Deno.test("readStubs() uses what is sound and says what is not", () => {
  const table: [Record<string, string>, RegExp][] = [
    [{ stubDomains: "{" }, /^stubDomains is no JSON/],
    [{ stubDomains: "[]" }, /an object of domains is expected/],
    [{ stubDomains: `{"a b": ["1.2.3.4"]}` }, /"a b" is no domain/],
    [{ stubDomains: `{"svc.cluster.local": ["1.2.3.4"]}` }, /svc\.cluster\.local is the cluster's own/],
    [{ stubDomains: `{"x.example": "1.2.3.4"}` }, /a list of addresses is expected/],
    [{ stubDomains: `{"x.example": ["ns.example"]}` }, /"ns\.example" is no other IPv4 address/],
    [{ stubDomains: `{"x.example": ["10.96.0.10"]}` }, /"10\.96\.0\.10" is no other IPv4 address/],
    [{ upstreamNameservers: `["1.2.3.4:99999"]` }, /"1\.2\.3\.4:99999" is no other/],
  ];
  for (const [data, problem] of table) {
    const { problems, domains, upstream } = read({ ...data });
    assert.equal(problems.length, 1, JSON.stringify(data));
    assert.match(problems[0]!, problem);
    assert.deepEqual([domains.size, upstream], [0, undefined]);
  }
  const mixed = read({ stubDomains: `{"x.example": ["ns.example", "1.2.3.4"], "-": []}` });
  assert.deepEqual([...mixed.domains], [["x.example", [at("1.2.3.4")]]]);
  assert.equal(mixed.problems.length, 2);
});

Deno.test("serversOf() is those of the longest domain that a name lies in", () => {
  const stubs = read({
    stubDomains: `{"example.org": ["1.1.1.1"], "deep.example.org": ["2.2.2.2"], "lan": ["3.3.3.3"]}`,
  });
  const others = [at("9.9.9.9")];
  const table: [string, string][] = [
    ["www.example.org", "1.1.1.1"],
    ["example.org", "1.1.1.1"],
    ["a.b.deep.example.org", "2.2.2.2"],
    ["notexample.org", "9.9.9.9"],
    ["printer.lan", "3.3.3.3"],
    ["org", "9.9.9.9"],
    [".", "9.9.9.9"],
  ];
  for (const [name, address] of table) assert.equal(serversOf(name, stubs, others)[0]!.address, address, name);
});
