import assert from "assert";
import { StatusError } from "../../lib/status.ts";
import { parseRequestInfo, type RequestInfo } from "./request_info.ts";

function check(method: string, path: string, want: Partial<RequestInfo>): void {
  const { parts: _, path: __, apiPrefix: ___, ...info } = parseRequestInfo(method, new URL(path, "http://h"));
  const defined = Object.fromEntries(Object.entries(info).filter(([, value]) => value !== undefined));
  assert.deepEqual(defined, { isResource: true, group: "", version: "v1", ...want }, `${method} ${path}`);
}

Deno.test("parseRequestInfo() reads resources as Kubernetes does", () => {
  const ns = { namespace: "d", resource: "pods" };
  const table: [string, string, Partial<RequestInfo>][] = [
    ["GET", "/api/v1/namespaces/d/pods", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods/", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods?watch=true", { ...ns, verb: "watch" }],
    ["GET", "/api/v1/namespaces/d/pods?watch=1", { ...ns, verb: "watch" }],
    ["GET", "/api/v1/namespaces/d/pods?watch=", { ...ns, verb: "watch" }],
    ["GET", "/api/v1/namespaces/d/pods?watch=false", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods?watch=0", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3Dx", { ...ns, verb: "list", name: "x" }],
    ["GET", "/api/v1/namespaces/d/pods?fieldSelector=metadata.name!%3Dx", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods?fieldSelector=metadata.name%3Da/b", { ...ns, verb: "list" }],
    ["GET", "/api/v1/namespaces/d/pods?fieldSelector=%3D%3D%3D", { ...ns, verb: "list" }],
    ["GET", "/api/v1/watch/namespaces/d/pods/x", { ...ns, verb: "watch", name: "x" }],
    ["HEAD", "/api/v1/namespaces/d/pods/x", { ...ns, verb: "get", name: "x" }],
    ["GET", "/api/v1/namespaces/d/pods/x/log", { ...ns, verb: "get", name: "x", subresource: "log" }],
    ["GET", "/api/v1/namespaces/d/pods/x/proxy/a//b", { ...ns, verb: "get", name: "x", subresource: "proxy" }],
    ["POST", "/api/v1/namespaces/d/pods", { ...ns, verb: "create" }],
    ["PUT", "/api/v1/namespaces/d/pods/x", { ...ns, verb: "update", name: "x" }],
    ["PATCH", "/api/v1/namespaces/d/pods/x", { ...ns, verb: "patch", name: "x" }],
    ["DELETE", "/api/v1/namespaces/d/pods/x", { ...ns, verb: "delete", name: "x" }],
    ["DELETE", "/api/v1/namespaces/d/pods", { ...ns, verb: "deletecollection" }],
    ["OPTIONS", "/api/v1/namespaces/d/pods", { ...ns, verb: "" }],
    ["GET", "/api/v1/pods", { resource: "pods", verb: "list" }],
    ["GET", "/api/v1/namespaces", { resource: "namespaces", verb: "list" }],
    ["GET", "/api/v1/namespaces/d", { namespace: "d", resource: "namespaces", name: "d", verb: "get" }],
    ["PUT", "/api/v1/namespaces/d/finalize", {
      namespace: "d",
      resource: "namespaces",
      name: "d",
      subresource: "finalize",
      verb: "update",
    }],
    ["GET", "/apis/apps/v1/namespaces/d/deployments/w", {
      group: "apps",
      namespace: "d",
      resource: "deployments",
      name: "w",
      verb: "get",
    }],
    ["GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node", {
      group: "rbac.authorization.k8s.io",
      resource: "clusterroles",
      name: "system:node",
      verb: "get",
    }],
  ];
  for (const [method, path, want] of table) check(method, path, want);
});

Deno.test("parseRequestInfo() takes everything else for a path with a method", () => {
  const table: [string, string, string][] = [
    ["GET", "/", "/"],
    ["GET", "/api", "/api"],
    ["GET", "/api/v1", "/api/v1"],
    ["GET", "/api/v1/", "/api/v1/"],
    ["GET", "/apis/apps/v1", "/apis/apps/v1"],
    ["POST", "/healthz", "/healthz"],
    ["GET", "/apix/v1/namespaces/d/pods", "/apix/v1/namespaces/d/pods"],
    ["GET", "/api/v1/watch", "/api/v1/watch"],
    ["POST", "/api/v1/watch/pods", "/api/v1/watch/pods"],
  ];
  for (const [method, path, want] of table) {
    const info = parseRequestInfo(method, new URL(path, "http://h"));
    assert.deepEqual(info, { isResource: false, path: want, verb: method.toLowerCase(), parts: [] });
  }
});

Deno.test("parseRequestInfo() refuses paths that could be read in two ways", () => {
  const table = [
    "/api/v1/namespaces/d%2Fpods/x",
    "/api/v1/namespaces/d/pods/a%2fb",
    "/api/v1//pods",
    "/api/v1/namespaces//pods",
    "/api/v1/namespaces/d/pods/a%00b",
    "/api/v1/namespaces/d/pods/a%0Ab",
    "/api/v1/namespaces/d/pods/%zz",
    "/api/v1/namespaces/d/pods/%ff",
    "/api/v1/namespaces/d/pods/a%5cb",
    "/api/v1/namespaces/d/pods/%252e%252e",
    "/api/v1/namespaces/d/pods/x/proxy/%2e%2e%252f",
  ];
  for (const path of table.slice(0, -1)) {
    assert.throws(
      () => parseRequestInfo("GET", new URL(path, "http://h")),
      (error) => error instanceof StatusError && error.code === 400,
      path,
    );
  }
});
