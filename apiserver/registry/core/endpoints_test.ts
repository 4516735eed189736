import assert from "assert";
import { created, createErrors, header, isIdempotent, row } from "../meta/kind_scene.ts";
import { endpoints } from "./endpoints.ts";
import { repackSubsets } from "./endpoints/repack.ts";

const ip = (n: number) => ({ ip: `10.0.0.${n}` });

Deno.test("endpoints are put in order: equal ports together, each address once", () => {
  const object = created(endpoints, {
    subsets: [
      { addresses: [ip(2), ip(1)], ports: [{ name: "b", port: 81 }, { name: "a", port: 80 }] },
      { addresses: [ip(2)], notReadyAddresses: [ip(1)], ports: [{ name: "c", port: 82 }] },
      { addresses: [ip(3)] },
      { notReadyAddresses: [ip(2)], ports: [{ name: "c", port: 82, protocol: "TCP" }] },
    ],
  });
  assert.deepEqual(object.subsets, [
    { notReadyAddresses: [ip(1), ip(2)], ports: [{ name: "c", port: 82, protocol: "TCP" }] },
    {
      addresses: [ip(1), ip(2)],
      ports: [{ name: "a", port: 80, protocol: "TCP" }, { name: "b", port: 81, protocol: "TCP" }],
    },
    { addresses: [ip(3)] },
  ]);
  assert.deepEqual(repackSubsets(object.subsets!), object.subsets);
  assert.ok(isIdempotent(endpoints, { subsets: [{ addresses: [ip(1)], ports: [{ port: 80 }] }] }));
});

Deno.test("endpoints say all that is wrong, where the client wrote it", () => {
  const subsets = [
    { ports: [{ port: 0 }, { name: "A", port: 80, protocol: "ICMP", appProtocol: "a/" }] },
    { addresses: [{ ip: "127.0.0.1" }, { ip: "x", hostname: "h.h", nodeName: "N" }] },
  ];
  const errors = createErrors(endpoints, { subsets }).map((line) => line.slice(0, 60));
  assert.deepEqual(
    errors,
    [
      "subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`",
      "subsets[0].ports[0].name: Required value",
      "subsets[0].ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      'subsets[0].ports[1].name: Invalid value: "A": a lowercase RFC 1123 label',
      'subsets[0].ports[1].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'subsets[0].ports[1].appProtocol: Invalid value: "a/": name part must be non-empty',
      'subsets[0].ports[1].appProtocol: Invalid value: "a/": name part must consist',
      'subsets[1].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range',
      'subsets[1].addresses[1].ip: Invalid value: "x": must be a valid IP address, (e.g.',
      'subsets[1].addresses[1].hostname: Invalid value: "h.h": a lowercase',
      'subsets[1].addresses[1].nodeName: Invalid value: "N": a lowercase',
      'subsets[1].addresses[1].ip: Invalid value: "x": must be a valid IP address',
    ].map((line) => line.slice(0, 60)),
  );
});

Deno.test("endpoints columns are kubectl's", () => {
  assert.equal(header(endpoints), "Name, Endpoints, Age");
  const table: [unknown[], string][] = [
    [[], "<none>"],
    [[{ notReadyAddresses: [ip(1)], ports: [{ port: 80 }] }], ""],
    [[{ addresses: [ip(1), { ip: "fd00::1" }], ports: [{ port: 80 }] }], "10.0.0.1:80,[fd00::1]:80"],
    [[{ addresses: [ip(1), ip(2)] }], "10.0.0.1,10.0.0.2"],
    [[{ addresses: [ip(1), ip(2), ip(3)], ports: [{ port: 80 }] }], "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80"],
    [
      [{ addresses: [ip(1), ip(2), ip(3), ip(4), ip(5)], ports: [{ port: 80 }] }],
      "10.0.0.1:80,10.0.0.2:80,10.0.0.3:80 + 2 more...",
    ],
  ];
  for (const [subsets, expected] of table) {
    assert.equal(row(endpoints, created(endpoints, { subsets })), `web ${expected} 0s |`);
  }
});
