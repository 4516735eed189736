import assert from "assert";
import { created, createErrors, header, isIdempotent, lines, row, statusErrors } from "../meta/kind_scene.ts";
import { ingress as kind } from "./ingress.ts";

const backend = { service: { name: "web", port: { number: 80 } } };
const rule = { host: "a.example", http: { paths: [{ path: "/", pathType: "Prefix", backend }] } };
const base = { rules: [rule] };

Deno.test("ingress begins with a status that has a load balancer", () => {
  assert.deepEqual(created(kind, { spec: base, status: { loadBalancer: { ingress: [{ ip: "1.2.3.4" }] } } }).status, {
    loadBalancer: {},
  });
  assert.ok(isIdempotent(kind, {}));
});

Deno.test("ingress says what is wrong with its rules", () => {
  const path = (more: Record<string, unknown>) => ({
    rules: [{ http: { paths: [{ path: "/", pathType: "Exact", backend, ...more }] } }],
  });
  const at = "spec.rules[0].http.paths[0]";
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and " +
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is " +
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  const table: [Record<string, unknown>, string[]][] = [
    [base, []],
    [{ defaultBackend: backend, ingressClassName: "nginx" }, []],
    [{ rules: [{ host: "*.example.com" }] }, []],
    [path({ pathType: "ImplementationSpecific", path: "" }), []],
    [{}, ["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"]],
    [{ ...base, ingressClassName: "A" }, [`spec.ingressClassName: Invalid value: "A": ${subdomain}`]],
    [{ rules: [{ host: "1.2.3.4" }] }, [
      'spec.rules[0].host: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
    ]],
    [{ rules: [{ host: "B" }] }, [`spec.rules[0].host: Invalid value: "B": ${subdomain}`]],
    [{ rules: [{ http: {} }] }, ["spec.rules[0].http.paths: Required value"]],
    [path({ pathType: undefined }), [`${at}.pathType: Required value: pathType must be specified`]],
    [path({ pathType: "Glob" }), [
      `${at}.pathType: Unsupported value: "Glob": supported values: "Exact", "ImplementationSpecific", "Prefix"`,
    ]],
    [path({ path: "a//b%2F/.." }), [
      `${at}.path: Invalid value: "a//b%2F/..": must be an absolute path`,
      `${at}.path: Invalid value: "a//b%2F/..": must not contain '//'`,
      `${at}.path: Invalid value: "a//b%2F/..": must not contain '%2F'`,
      `${at}.path: Invalid value: "a//b%2F/..": cannot end with '/..'`,
    ]],
    [path({ pathType: "ImplementationSpecific", path: "x" }), [
      `${at}.path: Invalid value: "x": must be an absolute path`,
    ]],
    [{ ...base, tls: [{ hosts: ["a", "*.*"], secretName: "_" }] }, [
      "spec.tls[0].hosts[1]: Invalid value",
      "spec.tls[0].secretName: Invalid value",
    ]],
  ];
  for (const [spec, expected] of table) {
    const errors = createErrors(kind, { spec });
    const short = (line: string) => expected.includes(line) ? line : line.split(": ").slice(0, 2).join(": ");
    assert.deepEqual(errors.map(short), expected, JSON.stringify(spec));
  }
});

Deno.test("ingress says what is wrong with backends", () => {
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start " +
    "and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is " +
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  const resource = { apiGroup: "k8s.example", kind: "Bucket", name: "b" };
  const service = (port: unknown, name = "web") => ({ service: { name, port } });
  const table: [Record<string, unknown>, string[]][] = [
    [{ resource }, []],
    [service({ name: "http" }), []],
    // Names of Services may begin with a digit since 1.36.
    [service({ number: 1 }, "1web"), []],
    [{}, [': Invalid value: "": resource or service backend is required']],
    [{ resource, ...backend }, [': Invalid value: "": cannot set both resource and service backends']],
    [{ resource: {} }, [".resource.kind: Required value", ".resource.name: Required value"]],
    [service({}), [": Required value: port name or number is required"]],
    [service({ name: "http", number: 80 }), [': Invalid value: "": cannot set both port name & port number']],
    [service({ number: 70000 }), [
      ".service.port.number: Invalid value: 70000: must be between 1 and 65535, inclusive",
    ]],
    [service({ name: "a--b" }, ""), [
      ".service.name: Required value",
      '.service.port.name: Invalid value: "a--b": must not contain consecutive hyphens',
    ]],
    [service({ number: 80 }, "Web"), [`.service.name: Invalid value: "Web": ${label}`]],
  ];
  for (const [defaultBackend, expected] of table) {
    const errors = createErrors(kind, { spec: { defaultBackend } });
    assert.deepEqual(errors, expected.map((line) => `spec.defaultBackend${line}`));
  }
});

Deno.test("ingress has one class, and is told when it names it the old way", () => {
  const annotated = (spec: Record<string, unknown>) =>
    created(kind, { metadata: { annotations: { "kubernetes.io/ingress.class": "old" } }, spec: { ...base, ...spec } });
  assert.deepEqual(lines(kind.validateCreate!(annotated({ ingressClassName: "old" }))), []);
  assert.deepEqual(lines(kind.validateCreate!(annotated({ ingressClassName: "new" }))), [
    'annotations.kubernetes.io/ingress.class: Invalid value: "old": must match `ingressClassName` when both are specified',
  ]);
  const warning =
    "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
  assert.deepEqual(kind.warnings!(annotated({}), undefined), [warning]);
  assert.deepEqual(kind.warnings!(annotated({}), annotated({})), []);
  assert.deepEqual(kind.warnings!(annotated({ ingressClassName: "old" }), undefined), []);
});

Deno.test("ingress takes addresses and names of load balancers", () => {
  const old = created(kind, { spec: base });
  const errors = statusErrors(kind, old, (object) => {
    object.status.loadBalancer!.ingress = [{ ip: "1.2.3.4", hostname: "a.b" }, { ip: "01.2.3.4", hostname: "1.2.3.4" }];
  });
  assert.deepEqual(errors, [
    'status.loadBalancer.ingress[1].ip: Invalid value: "01.2.3.4": must not have leading 0s',
    'status.loadBalancer.ingress[1].hostname: Invalid value: "1.2.3.4": must be a DNS name, not an IP address',
  ]);
});

Deno.test("ingress shows class, hosts, addresses and ports", () => {
  assert.equal(header(kind), "Name, Class, Hosts, Address, Ports, Age");
  assert.equal(row(kind, created(kind, { spec: { defaultBackend: backend } })), "web <none> *  80 0s |");
  const hosts = (...names: string[]) => names.map((host) => ({ ...rule, host }));
  const object = created(kind, { spec: { rules: hosts("a", "a", "a"), tls: [{}], ingressClassName: "nginx" } });
  object.status.loadBalancer = {
    ingress: [{ ip: "9.9.9.9" }, { hostname: "lb" }, { ip: "1.1.1.1" }, { ip: "9.9.9.9" }],
  };
  assert.equal(row(kind, object), "web nginx a,a,a 1.1.1.1,9.9.9.9,lb 80, 443 0s |");
  assert.equal(
    row(kind, created(kind, { spec: { rules: hosts("a", "", "b", "c", "d") } })),
    "web <none> a,b,c + 2 more...  80 0s |",
  );
});
