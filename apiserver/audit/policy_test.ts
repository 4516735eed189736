import assert from "assert";
import { parseRequestInfo } from "../rest/request_info.ts";
import { AuditPolicyError, parseAuditPolicy } from "./policy.ts";
import { judge, rulesOf } from "./rules.ts";

const head = "apiVersion: audit.k8s.io/v1\nkind: Policy\n";

Deno.test("parseAuditPolicy() refuses what is wrong with the field's name", () => {
  const table: [string, RegExp][] = [
    ["", /no YAML mapping/],
    ["a: [", /error converting YAML/],
    ["apiVersion: audit.k8s.io/v1beta1\nkind: Policy\nrules: [{level: None}]", /audit\.k8s\.io\/v1"/],
    [head, /no rules/],
    [`${head}rules: {}`, /^rules: .*must be a list/],
    [`${head}rules: [{}]`, /^rules\[0\]\.level: Required value$/],
    [`${head}rules: [{level: All}]`, /^rules\[0\]\.level: Unsupported value: "All": supported values: "None", /],
    [`${head}rules: [{level: None, verb: [get]}]`, /^rules\[0\]\.verb: Forbidden: unknown field$/],
    [`${head}rules: [{level: None, verbs: get}]`, /^rules\[0\]\.verbs: .*list of strings/],
    [`${head}rules: [{level: None, omitStages: [Never]}]`, /^rules\[0\]\.omitStages\[0\]: Unsupported value: "Never"/],
    [`${head}omitStages: [Never]\nrules: [{level: None}]`, /^omitStages\[0\]: Unsupported value/],
    [`${head}rules: [{level: None, nonResourceURLs: [healthz]}]`, /must begin with a '\/' character/],
    [`${head}rules: [{level: None, nonResourceURLs: ["/a*b"]}]`, /wildcards '\*' must be the final character/],
    [
      `${head}rules: [{level: None, nonResourceURLs: ["/a"], namespaces: [a]}]`,
      /cannot apply to both regular resources and non-resource URLs/,
    ],
    [
      `${head}rules: [{level: None, resources: [{group: A_B}]}]`,
      /^rules\[0\]\.resources\[0\]\.group: Invalid value: "A_B"/,
    ],
    [
      `${head}rules: [{level: None, resources: [{resourceNames: [a]}]}]`,
      /using resourceNames requires at least one resource/,
    ],
    [`${head}rules: [{level: None, resources: [{resource: [a]}]}]`, /^rules\[0\]\.resources\[0\]\.resource: Forbidden/],
    [`${head}omitManagedFields: 1\nrules: [{level: None}]`, /^omitManagedFields: .*true or false/],
    [`${head}rules: [{level: X}, {level: None}, {level: Y}]`, /rules\[0\].*; rules\[2\]/],
  ];
  for (const [text, message] of table) {
    assert.throws(() => parseAuditPolicy(text), (error: unknown) => {
      assert.ok(error instanceof AuditPolicyError, `${text}: ${error}`);
      assert.match(error.message, message, text);
      return true;
    });
  }
});

const policy = parseAuditPolicy(`${head}
omitStages: [RequestReceived]
rules:
- level: None
  users: ["system:kube-proxy"]
  verbs: [watch]
  resources: [{group: "", resources: [endpoints, services]}]
- level: None
  userGroups: ["system:authenticated"]
  nonResourceURLs: ["/api*", "/version"]
- level: Request
  resources: [{group: "", resources: [configmaps]}]
  namespaces: [kube-system]
  omitManagedFields: true
- level: Metadata
  resources: [{group: "", resources: [secrets, configmaps, "*/log", "pods/*"]}]
- level: RequestResponse
  resources: [{group: apps}, {group: "", resources: [nodes], resourceNames: [n1]}]
  omitStages: [ResponseStarted]
- level: Metadata
  namespaces: [""]
  verbs: [list]
`);

Deno.test("judge() takes the first rule that matches", () => {
  const rules = rulesOf(policy);
  const table: [who: string, ask: string, level: string][] = [
    ["system:kube-proxy", "GET /api/v1/services?watch=true", "None"],
    ["bob system:authenticated", "GET /apis", "None"],
    ["bob", "GET /apis", "None"],
    ["bob system:authenticated", "GET /metrics", "None"],
    ["bob", "PUT /api/v1/namespaces/kube-system/configmaps/a", "Request"],
    ["bob", "PUT /api/v1/namespaces/default/configmaps/a", "Metadata"],
    ["bob", "GET /api/v1/namespaces/default/secrets", "Metadata"],
    ["bob", "GET /api/v1/namespaces/default/pods/a/log", "Metadata"],
    ["bob", "GET /api/v1/namespaces/default/pods/a/exec", "Metadata"],
    ["bob", "GET /api/v1/namespaces/default/pods/a", "Metadata"],
    ["bob", "GET /api/v1/namespaces/default/services/a", "None"],
    ["bob", "PUT /apis/apps/v1/namespaces/a/deployments/b/scale", "RequestResponse"],
    ["bob", "GET /api/v1/nodes/n1", "RequestResponse"],
    ["bob", "GET /api/v1/nodes/n2", "None"],
    ["bob", "GET /api/v1/nodes", "Metadata"],
    ["bob", "GET /api/v1/namespaces/a/services", "None"],
  ];
  for (const [who, ask, level] of table) {
    const [name, ...groups] = who.split(" ");
    const [method, path] = ask.split(" ");
    const info = parseRequestInfo(method!, new URL(path!, "http://apiserver"));
    assert.equal(judge(rules, { user: { name: name!, groups }, info }).level, level, `${who} ${ask}`);
  }
});

Deno.test("judge() adds the stages that the policy and the rule leave out", () => {
  const info = parseRequestInfo("GET", new URL("http://apiserver/apis/apps/v1/deployments"));
  const verdict = judge(rulesOf(policy), { user: undefined, info });
  assert.deepEqual([...verdict.omitStages], ["RequestReceived", "ResponseStarted"]);
  assert.equal(verdict.omitManagedFields, false);
  const maps = parseRequestInfo("GET", new URL("http://apiserver/api/v1/namespaces/kube-system/configmaps"));
  assert.equal(judge(rulesOf(policy), { user: undefined, info: maps }).omitManagedFields, true);
});
