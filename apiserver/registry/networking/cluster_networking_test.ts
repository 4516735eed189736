import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { ingressClass } from "./ingress_class.ts";
import { ipAddress } from "./ip_address.ts";
import { serviceCidr } from "./service_cidr.ts";

const parameters = { apiGroup: "k8s.example", kind: "Params", name: "p" };

Deno.test("ingressClass looks for parameters in the whole cluster", () => {
  assert.equal(defaulted(ingressClass, { spec: { parameters } }).spec.parameters?.scope, "Cluster");
  assert.ok(isIdempotent(ingressClass, { spec: { parameters } }));
  assert.ok(isIdempotent(ingressClass, {}));
});

Deno.test("ingressClass says all that is wrong", () => {
  const controller = "k8s.example/x";
  const namespaced = { ...parameters, scope: "Namespace" };
  const table: [Record<string, unknown>, string[]][] = [
    [{ controller, parameters: { ...namespaced, namespace: "n" } }, []],
    [{}, ["spec.controller: Required value"]],
    [{ controller: "nginx" }, [
      'spec.controller: Invalid value: "nginx": must be a domain-prefixed path (such as "acme.io/foo")',
    ]],
    [{ controller: "k8s.example/a b" }, [
      "spec.controller: Invalid value: \"a b\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
    ]],
    [{ controller: `k8s.example/${"a".repeat(240)}` }, ["spec.controller: Too long: may not be more than 250 bytes"]],
    [{ controller, parameters: {} }, [
      "spec.parameters.kind: Required value",
      "spec.parameters.name: Required value",
    ]],
    [{ controller, parameters: { ...parameters, scope: "Here" } }, [
      'spec.parameters.scope: Unsupported value: "Here": supported values: "Cluster", "Namespace"',
    ]],
    [{ controller, parameters: namespaced }, [
      "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
    ]],
    [{ controller, parameters: { ...parameters, namespace: "n" } }, [
      "spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'",
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(ingressClass, { spec }), expected);
  const old = created(ingressClass, { spec: { controller } });
  assert.deepEqual(updateErrors(ingressClass, old, (object) => object.spec.controller = "k8s.example/y"), [
    'spec.controller: Invalid value: "k8s.example/y": field is immutable',
  ]);
});

Deno.test("ingressClass shows its controller and parameters", () => {
  assert.equal(header(ingressClass), "Name, Controller, Parameters, Age");
  const object = created(ingressClass, { spec: { controller: "a.b/c", parameters } });
  assert.equal(row(ingressClass, object), "web a.b/c Params.k8s.example/p 0s |");
});

Deno.test("ipAddress is named as the address, and belongs to one object for ever", () => {
  const parentRef = { resource: "services", namespace: "default", name: "web" };
  assert.deepEqual(ipAddress.nameErrors("10.96.0.1"), []);
  assert.deepEqual(ipAddress.nameErrors("web"), ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"]);
  assert.deepEqual(createErrors(ipAddress, {}), ["spec.parentRef: Required value"]);
  assert.deepEqual(createErrors(ipAddress, { spec: { parentRef: { namespace: "a/b" } } }), [
    "spec.parentRef.resource: Required value",
    "spec.parentRef.name: Required value",
    "spec.parentRef.namespace: Invalid value: \"a/b\": may not contain '/'",
  ]);
  const old = created(ipAddress, { spec: { parentRef } });
  assert.deepEqual(updateErrors(ipAddress, old, (object) => object.spec.parentRef.name = "x"), [
    `spec.parentRef: Invalid value: ${JSON.stringify({ ...parentRef, name: "x" })}: field is immutable`,
  ]);
  assert.equal(header(ipAddress), "Name, ParentRef, Age");
  assert.equal(row(ipAddress, old), "web services/default/web 0s |");
});

Deno.test("serviceCidr has a range of each family at most", () => {
  const table: [string[] | undefined, string[]][] = [
    [["10.96.0.0/16"], []],
    [["10.96.0.0/16", "fd00::/112"], [
      'spec.cidrs[1]: Invalid value: "fd00::/112": IPv6 is not supported yet: give an IPv4 range',
    ]],
    [undefined, ["spec.cidrs: Required value: at least one CIDR required"]],
    [["10.0.0.0/8", "11.0.0.0/8"], [
      'spec.cidrs: Invalid value: ["10.0.0.0/8","11.0.0.0/8"]: may specify no more than one IP for each IP family, ' +
      "i.e 192.168.0.0/24 and 2001:db8::/64",
    ]],
    [["a", "b", "c"], ['spec.cidrs: Invalid value: {"cidrs":["a","b","c"]}: may only hold up to 2 values']],
    [["10.96.0.1/16"], [
      'spec.cidrs[0]: Invalid value: "10.96.0.1/16": must not have bits set beyond the prefix length',
    ]],
  ];
  for (const [cidrs, expected] of table) assert.deepEqual(createErrors(serviceCidr, { spec: { cidrs } }), expected);
});

Deno.test("serviceCidr does not change", () => {
  const old = created(serviceCidr, { spec: { cidrs: ["10.96.0.0/16"] } });
  const after = (...cidrs: string[]) => updateErrors(serviceCidr, old, (object) => object.spec.cidrs = cidrs);
  assert.deepEqual(after("10.96.0.0/16"), []);
  assert.deepEqual(after("10.96.0.0/16", "fd00::/112"), [
    'spec.cidrs[1]: Invalid value: "fd00::/112": IPv6 is not supported yet: give an IPv4 range',
  ]);
  assert.deepEqual(after("10.97.0.0/16"), ['spec.cidrs[0]: Invalid value: "10.97.0.0/16": field is immutable']);
  assert.equal(header(serviceCidr), "Name, CIDRs, Age");
  assert.equal(row(serviceCidr, old), "web 10.96.0.0/16 0s |");
});
