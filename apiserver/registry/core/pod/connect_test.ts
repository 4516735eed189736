import assert from "assert";
import { StatusError } from "../../../../lib/status.ts";
import type { Pod } from "../../../../lib/types/core_v1.ts";
import { created } from "../../meta/kind_scene.ts";
import { pod } from "../pod.ts";
import { podConnections } from "./connect.ts";

const container = (name: string, more = {}) => ({ name, image: "x", ...more });
const one = { containers: [container("a")], nodeName: "n1" };
const many = { ...one, initContainers: [container("i")], containers: [container("a"), container("b")] };

function made(spec: Record<string, unknown>, status: Partial<Pod["status"]> = {}): Pod {
  const object = created(pod, { spec });
  Object.assign(object.status, status);
  return object;
}

/** Where a request goes, or the code and message of the refusal. */
function locate(name: string, object: Pod, query = "", { path = "", id = "web" } = {}): string {
  try {
    const target = podConnections[name]!.locate(object, new URLSearchParams(query), path, id);
    if (target.to === "node") return `${target.node} ${target.path}`;
    return `${target.scheme}://${target.host}:${target.port}${target.path}`;
  } catch (error) {
    if (error instanceof StatusError) return `${error.code} ${error.message}`;
    throw error;
  }
}

Deno.test("logs, exec, attach and portforward go to the node, the query as it came but for the container", () => {
  const table: [name: string, spec: Record<string, unknown>, query: string, expected: string][] = [
    ["log", one, "", "n1 /containerLogs/default/web/a"],
    ["log", one, "follow=true&tailLines=5", "n1 /containerLogs/default/web/a?follow=true&tailLines=5"],
    ["log", many, "container=i&previous=true", "n1 /containerLogs/default/web/i?previous=true"],
    [
      "exec",
      one,
      "command=sh&command=-c&stdin=true&tty=1",
      "n1 /exec/default/web/a?command=sh&command=-c&stdin=true&tty=1",
    ],
    ["attach", many, "container=b&stdout=1", "n1 /attach/default/web/b?stdout=1"],
    ["portforward", many, "ports=80", "n1 /portForward/default/web?ports=80"],
    ["exec", many, "", "400 a container name must be specified for pod web, choose one of: [i a b]"],
    ["exec", many, "container=z", "400 container z is not valid for pod web"],
    ["log", { ...one, nodeName: undefined }, "", "400 pod web does not have a host assigned"],
    ["portforward", { ...one, nodeName: undefined }, "", "400 pod web does not have a host assigned"],
  ];
  for (const [name, spec, query, expected] of table) assert.equal(locate(name, made(spec), query), expected, query);
});

Deno.test("log options are checked before a node is asked", () => {
  const invalid = (what: string) => `422 PodLogOptions "web" is invalid: ${what}`;
  const table: [query: string, expected: string][] = [
    ["tailLines=-1", invalid("tailLines: Invalid value: -1: must be greater than or equal to 0")],
    ["limitBytes=0", invalid("limitBytes: Invalid value: 0: must be greater than 0")],
    ["sinceSeconds=0", invalid("sinceSeconds: Invalid value: 0: must be greater than 0")],
    [
      "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
      invalid(": Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified"),
    ],
    ["stream=x", invalid('stream: Unsupported value: "x": supported values: "All", "Stderr", "Stdout"')],
    [
      "stream=Stdout&tailLines=1",
      invalid("tailLines: Forbidden: `tailLines` and specific `stream` are mutually exclusive for now"),
    ],
    ["tailLines=many", '400 tailLines: strconv.ParseInt: parsing "many": invalid syntax'],
  ];
  for (const [query, expected] of table) assert.equal(locate("log", made(one), query), expected);
  assert.match(locate("log", made(one), "sinceTime=yesterday"), /^400 sinceTime: parsing time "yesterday" as/);
});

Deno.test("proxy goes to the pod's own address", () => {
  const ip = (text: string) => ({ podIPs: [{ ip: text }] });
  const ports = { ...one, containers: [container("a"), container("b", { ports: [{ containerPort: 8080 }] })] };
  const table: [spec: Record<string, unknown>, address: string, id: string, path: string, expected: string][] = [
    [one, "10.1.0.5", "web", "", "http://10.1.0.5:80/?x=1"],
    [ports, "10.1.0.5", "web", "a/b c", "http://10.1.0.5:8080/a/b%20c?x=1"],
    [ports, "10.1.0.5", "web:9090", "a?#", "http://10.1.0.5:9090/a%3F%23?x=1"],
    [one, "10.1.0.5", "https:web:", "", "https://10.1.0.5:443/?x=1"],
    [one, "fd00::5", "https:web:8443", "", "https://[fd00::5]:8443/?x=1"],
    [one, "127.0.0.1", "web", "", "400 address not allowed"],
    [one, "169.254.1.1", "web", "", "400 address not allowed"],
    [one, "::1", "web", "", "400 address not allowed"],
    [one, "::ffff:127.0.0.1", "web", "", "400 address not allowed"],
    [one, "", "web", "", "400 address not allowed"],
    [one, "10.1.0.5", "web:http", "", '400 invalid pod request "web:http": the port must be a number'],
    [one, "10.1.0.5", "ftp:web:1", "", '400 invalid pod request "ftp:web:1"'],
  ];
  for (const [spec, address, id, path, expected] of table) {
    const object = made(spec, address === "" ? {} : ip(address));
    assert.equal(locate("proxy", object, "x=1", { path, id }), expected, id);
  }
  assert.equal(podConnections.proxy!.nameIn!("https:web:8443"), "web");
});
