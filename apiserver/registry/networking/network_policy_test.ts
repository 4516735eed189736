import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row } from "../meta/kind_scene.ts";
import { networkPolicy as kind } from "./network_policy.ts";

Deno.test("networkPolicy is about what comes in, and about what goes out when it says so", () => {
  const table: [Record<string, unknown> | undefined, Record<string, unknown>][] = [
    [undefined, { podSelector: {}, policyTypes: ["Ingress"] }],
    [{ egress: [{}] }, { podSelector: {}, egress: [{}], policyTypes: ["Ingress", "Egress"] }],
    [{ policyTypes: ["Egress"] }, { podSelector: {}, policyTypes: ["Egress"] }],
    [{ ingress: [{ ports: [{ port: 80 }, { protocol: "UDP" }] }] }, {
      podSelector: {},
      ingress: [{ ports: [{ port: 80, protocol: "TCP" }, { protocol: "UDP" }] }],
      policyTypes: ["Ingress"],
    }],
  ];
  for (const [spec, expected] of table) {
    assert.deepEqual(defaulted(kind, spec === undefined ? {} : { spec }).spec, expected);
    assert.ok(isIdempotent(kind, { spec }));
  }
});

Deno.test("networkPolicy says all that is wrong with ports", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{ port: 80, endPort: 90 }, []],
    [{ port: "http" }, []],
    [{}, []],
    [{ protocol: "ICMP" }, ['.protocol: Unsupported value: "ICMP": supported values: "TCP", "UDP", "SCTP"']],
    [{ port: 0, endPort: 70000 }, [
      ".port: Invalid value: 0: must be between 1 and 65535, inclusive",
      ".endPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ]],
    [{ port: 80, endPort: 79 }, [".endPort: Invalid value: 79: must be greater than or equal to `port`"]],
    [{ port: "-a", endPort: 79 }, [
      ".endPort: Invalid value: 79: may not be specified when `port` is non-numeric",
      '.port: Invalid value: "-a": must not begin or end with a hyphen',
    ]],
    [{ endPort: 79 }, [".endPort: Invalid value: 79: may not be specified when `port` is not specified"]],
  ];
  for (const [port, expected] of table) {
    for (const word of ["ingress", "egress"]) {
      const errors = createErrors(kind, { spec: { [word]: [{ ports: [port] }] } });
      assert.deepEqual(errors, expected.map((line) => `spec.${word}[0].ports[0]${line}`));
    }
  }
});

Deno.test("networkPolicy says all that is wrong with peers", () => {
  const block = (cidr: string, ...except: string[]) => ({ ipBlock: { cidr, except } });
  const subset = "must be a strict subset of `cidr`";
  const table: [Record<string, unknown>, string[]][] = [
    [{ podSelector: {}, namespaceSelector: {} }, []],
    [block("10.0.0.0/8", "10.1.0.0/16"), []],
    [{}, [": Required value: must specify a peer"]],
    [{ podSelector: {}, ...block("10.0.0.0/8") }, [": Forbidden: may not specify both ipBlock and another peer"]],
    [{ ipBlock: {} }, [".ipBlock.cidr: Required value"]],
    [block("10.0.0.0"), [
      '.ipBlock.cidr: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ]],
    [block("10.0.0.1/8", "10.0.0.0/8", "11.0.0.0/16", "::/64"), [
      '.ipBlock.cidr: Invalid value: "10.0.0.1/8": must not have bits set beyond the prefix length',
      `.ipBlock.except[0]: Invalid value: "10.0.0.0/8": ${subset}`,
      `.ipBlock.except[1]: Invalid value: "11.0.0.0/16": ${subset}`,
      `.ipBlock.except[2]: Invalid value: "::/64": ${subset}`,
    ]],
  ];
  for (const [peer, expected] of table) {
    for (const [word, list] of [["ingress", "from"], ["egress", "to"]] as const) {
      const errors = createErrors(kind, { spec: { [word]: [{ [list]: [peer] }] } });
      assert.deepEqual(errors, expected.map((line) => `spec.${word}[0].${list}[0]${line}`));
    }
  }
});

Deno.test("networkPolicy knows two types", () => {
  assert.deepEqual(createErrors(kind, { spec: { policyTypes: ["Both"] } }), [
    'spec.policyTypes[0]: Unsupported value: "Both": supported values: "Ingress", "Egress"',
  ]);
  assert.deepEqual(createErrors(kind, { spec: { policyTypes: ["Ingress", "Egress", "Ingress"] } }), [
    'spec.policyTypes: Invalid value: ["Ingress","Egress","Ingress"]: may not specify more than two policyTypes',
  ]);
});

Deno.test("networkPolicy shows whom it is about", () => {
  assert.equal(header(kind), "Name, Pod-Selector, Age");
  assert.equal(row(kind, created(kind, {})), "web <none> 0s |");
  assert.equal(row(kind, created(kind, { spec: { podSelector: { matchLabels: { a: "b" } } } })), "web a=b 0s |");
});
