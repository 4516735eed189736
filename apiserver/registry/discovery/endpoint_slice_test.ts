import assert from "assert";
import {
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  row,
  updated,
  updateErrors,
} from "../meta/kind_scene.ts";
import { endpointSlice } from "./endpoint_slice.ts";

const given = {
  addressType: "IPv4",
  endpoints: [{ addresses: ["10.0.0.1"], conditions: { ready: true }, nodeName: "n1", zone: "a" }],
  ports: [{ port: 80 }],
};

Deno.test("endpointSlice gives its ports names and protocols, and forgets old topology", () => {
  assert.deepEqual(defaulted(endpointSlice, given).ports, [{ port: 80, name: "", protocol: "TCP" }]);
  assert.ok(isIdempotent(endpointSlice, given));
  const topology = { ...given, endpoints: [{ addresses: ["10.0.0.1"], deprecatedTopology: { a: "b" } }] };
  const object = created(endpointSlice, topology);
  assert.deepEqual(object.endpoints, [{ addresses: ["10.0.0.1"] }]);
  assert.equal(object.metadata.generation, 1);
  const changed = updated(endpointSlice, object, (o) => o.endpoints = topology.endpoints);
  assert.deepEqual(changed.endpoints, [{ addresses: ["10.0.0.1"] }]);
});

Deno.test("endpointSlice says all that is wrong", () => {
  const many = (n: number) => Array.from({ length: n }, () => ({ addresses: ["10.0.0.1"] }));
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and " +
    "end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const table: [Record<string, unknown>, string[]][] = [
    [given, []],
    [{}, ["addressType: Required value"]],
    [{ addressType: "IP" }, ['addressType: Unsupported value: "IP": supported values: "FQDN", "IPv4", "IPv6"']],
    [{ ...given, endpoints: many(1001) }, ["endpoints: Too many: 1001: must have at most 1000 items"]],
    [{ ...given, endpoints: [{ addresses: [] }, { addresses: ["::1"] }] }, [
      "endpoints[0].addresses: Required value: must contain at least 1 address",
      'endpoints[1].addresses[0]: Invalid value: "::1": must be a valid IPv4 address',
      'endpoints[1].addresses[0]: Invalid value: "::1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ]],
    [{ ...given, endpoints: [{ addresses: Array(101).fill("10.0.0.1") }] }, [
      "endpoints[0].addresses: Too many: 101: must have at most 100 items",
    ]],
    [{ addressType: "FQDN", endpoints: [{ addresses: ["localhost"] }] }, [
      'endpoints[0].addresses[0]: Invalid value: "localhost": should be a domain with at least two segments separated by dots',
    ]],
    [{
      addressType: "IPv6",
      endpoints: [{ addresses: ["fd00::1"], hostname: "A", hints: { forZones: [{ name: "a" }, { name: "a" }] } }],
    }, [
      `endpoints[0].hostname: Invalid value: "A": ${label}`,
      'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
    ]],
    [{ ...given, endpoints: [{ addresses: ["10.0.0.1"], hints: { forNodes: Array(9).fill({ name: "a" }) } }] }, [
      "endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items",
    ]],
    [{ ...given, ports: [{ name: "a", port: 0 }, { name: "a", protocol: "X" }] }, [
      "ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive",
      'ports[1].name: Duplicate value: "a"',
      'ports[1].protocol: Unsupported value: "X": supported values: "SCTP", "TCP", "UDP"',
    ]],
  ];
  for (const [object, expected] of table) assert.deepEqual(createErrors(endpointSlice, object), expected);
});

Deno.test("endpointSlice keeps its address type", () => {
  const errors = updateErrors(endpointSlice, created(endpointSlice, given), (o) => {
    o.addressType = "FQDN";
    o.endpoints = [];
  });
  assert.deepEqual(errors, ['addressType: Invalid value: "FQDN": field is immutable']);
});

Deno.test("endpointSlice columns are kubectl's", () => {
  assert.equal(header(endpointSlice), "Name, AddressType, Ports, Endpoints, Age");
  assert.equal(row(endpointSlice, created(endpointSlice, given)), "web IPv4 80 10.0.0.1 0s |");
  const many = {
    addressType: "IPv4",
    ports: [{ name: "a" }, { name: "b", port: 1 }, { name: "c", port: 2 }, { name: "d", port: 3 }],
    endpoints: [1, 2, 3, 4, 5].map((n) => ({ addresses: [`10.0.0.${n}`] })),
  };
  const expected = "web IPv4 *,1,2 + 1 more... 10.0.0.1,10.0.0.2,10.0.0.3 + 2 more... 0s |";
  assert.equal(row(endpointSlice, created(endpointSlice, many)), expected);
  assert.equal(row(endpointSlice, created(endpointSlice, { addressType: "IPv4" })), "web IPv4 <unset> <unset> 0s |");
});
