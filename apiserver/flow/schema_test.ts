import assert from "assert";
import type { FlowSchema } from "../../lib/types/flowcontrol_v1.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { parseRequestInfo } from "../rest/request_info.ts";
import { FlowControl } from "./flow_control.ts";
import { distinguisherOf, matches, schemaOf } from "./schema.ts";
import { mandatoryFlowSchemas, suggestedFlowSchemas, suggestedPriorityLevels } from "./suggested.ts";
import { seatsOf } from "./work.ts";

const request = (who: string, ask: string) => {
  const [name, ...groups] = who.split(" ");
  const [method, path] = ask.split(" ");
  return { user: { name: name!, groups }, info: parseRequestInfo(method!, new URL(path!, "http://apiserver")) };
};

const flow = new FlowControl({ clock: new FakeClock(), seats: 600 });
flow.configure({
  schemas: Object.entries(suggestedFlowSchemas).map(([name, spec]) => ({ metadata: { name }, spec }) as FlowSchema),
  levels: Object.entries(suggestedPriorityLevels).map(([name, spec]) => ({ metadata: { name }, spec }) as never),
});

Deno.test("FlowControl.classify() finds for everybody the schema that Kubernetes' own objects name", () => {
  const account = "system:serviceaccounts system:authenticated";
  const node = "system:node:n1 system:nodes system:authenticated";
  const table: [who: string, ask: string, schema: string, level: string, flow: string][] = [
    ["admin system:masters system:authenticated", "GET /api/v1/pods", "exempt", "exempt", ""],
    ["system:anonymous system:unauthenticated", "GET /readyz", "probes", "exempt", ""],
    ["system:anonymous system:unauthenticated", "POST /readyz", "global-default", "global-default", "system:anonymous"],
    [
      "system:anonymous system:unauthenticated",
      "GET /readyz/ping",
      "global-default",
      "global-default",
      "system:anonymous",
    ],
    [node, "GET /api/v1/nodes/n1", "system-node-high", "node-high", "system:node:n1"],
    [node, "PATCH /api/v1/nodes/n1/status", "system-node-high", "node-high", "system:node:n1"],
    [
      node,
      "PUT /apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/n1",
      "system-node-high",
      "node-high",
      "system:node:n1",
    ],
    [node, "GET /api/v1/namespaces/a/secrets/b", "system-nodes", "system", "system:node:n1"],
    [
      "system:kube-scheduler system:authenticated",
      "PUT /apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler",
      "system-leader-election",
      "leader-election",
      "system:kube-scheduler",
    ],
    ["system:kube-scheduler system:authenticated", "GET /api/v1/pods", "kube-scheduler", "workload-high", ""],
    [
      `system:serviceaccount:kube-system:dns ${account}`,
      "GET /api/v1/namespaces/a/services",
      "kube-system-service-accounts",
      "workload-high",
      "a",
    ],
    [
      `system:serviceaccount:app:web ${account}`,
      "GET /api/v1/namespaces/a/services",
      "service-accounts",
      "workload-low",
      "system:serviceaccount:app:web",
    ],
    ["bob system:authenticated", "GET /api/v1/namespaces/a/services", "global-default", "global-default", "bob"],
    ["nobody", "GET /api/v1/pods", "catch-all", "catch-all", "nobody"],
  ];
  for (const [who, ask, name, level, distinguisher] of table) {
    const asked = request(who, ask);
    const found = flow.classify(asked);
    const got = [found.schema.name, found.level.name, distinguisherOf(found.schema, asked)];
    assert.deepEqual(got, [name, level, distinguisher], `${who} ${ask}`);
  }
});

Deno.test("matches() reads rules as Kubernetes does", () => {
  const user = { kind: "User", user: { name: "bob" } };
  const anyone = { kind: "Group", group: { name: "*" } };
  const account = { kind: "ServiceAccount", serviceAccount: { name: "web", namespace: "app" } };
  const rule = { verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["a"] };
  const table: [object, string, string, boolean][] = [
    [{ subjects: [user], resourceRules: [rule] }, "bob", "GET /api/v1/namespaces/a/pods/x", true],
    [{ subjects: [user], resourceRules: [rule] }, "eve", "GET /api/v1/namespaces/a/pods/x", false],
    [{ subjects: [user], resourceRules: [rule] }, "bob", "DELETE /api/v1/namespaces/a/pods/x", false],
    [{ subjects: [user], resourceRules: [rule] }, "bob", "GET /api/v1/namespaces/b/pods/x", false],
    [{ subjects: [user], resourceRules: [rule] }, "bob", "GET /api/v1/namespaces/a/pods/x/log", false],
    [{ subjects: [user], resourceRules: [rule] }, "bob", "GET /apis/apps/v1/namespaces/a/pods/x", false],
    [{ subjects: [user], resourceRules: [{ ...rule, verbs: ["list"] }] }, "bob", "GET /api/v1/pods", false],
    [
      { subjects: [user], resourceRules: [{ ...rule, verbs: ["list"], clusterScope: true }] },
      "bob",
      "GET /api/v1/pods",
      true,
    ],
    [{ subjects: [anyone], resourceRules: [rule] }, "eve", "GET /api/v1/namespaces/a/pods/x", true],
    [
      { subjects: [account], resourceRules: [rule] },
      "system:serviceaccount:app:web",
      "GET /api/v1/namespaces/a/pods/x",
      true,
    ],
    [
      { subjects: [account], resourceRules: [rule] },
      "system:serviceaccount:app:web2",
      "GET /api/v1/namespaces/a/pods/x",
      false,
    ],
    [
      { subjects: [user], nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/metrics/*"] }] },
      "bob",
      "GET /metrics/x",
      true,
    ],
    [
      { subjects: [user], nonResourceRules: [{ verbs: ["get"], nonResourceURLs: ["/metrics/*"] }] },
      "bob",
      "GET /metricsx",
      false,
    ],
    [{ subjects: [user] }, "bob", "GET /api/v1/namespaces/a/pods/x", false],
  ];
  for (const [rules, who, ask, expected] of table) {
    const spec = { priorityLevelConfiguration: { name: "x" }, rules: [rules] };
    const schema = schemaOf({ metadata: { name: "s" }, spec } as unknown as FlowSchema);
    assert.equal(matches(schema, request(who, ask)), expected, `${JSON.stringify(rules)} ${who} ${ask}`);
  }
});

Deno.test("FlowControl.configure() leaves out schemas without a level, and always has the mandatory ones", () => {
  const control = new FlowControl({ clock: new FakeClock(), seats: 10 });
  const schema = (name: string, level: string, matchingPrecedence: number) =>
    ({
      metadata: { name },
      spec: { ...mandatoryFlowSchemas["catch-all"], matchingPrecedence, priorityLevelConfiguration: { name: level } },
    }) as FlowSchema;
  control.configure({
    schemas: [schema("lost", "nowhere", 5), schema("b", "catch-all", 7), schema("a", "catch-all", 7)],
    levels: [],
  });
  assert.deepEqual(control.schemas.map(({ name }) => name), ["exempt", "a", "b", "catch-all"]);
});

Deno.test("seatsOf() takes more seats for lists of more objects", () => {
  const table: [string, number, number][] = [
    ["GET /api/v1/pods", 10_000, 10],
    ["GET /api/v1/pods", 0, 1],
    ["GET /api/v1/pods", 101, 2],
    ["GET /api/v1/pods?limit=500", 10_000, 5],
    ["GET /api/v1/pods?limit=500", 150, 2],
    ["GET /api/v1/pods?fieldSelector=metadata.name=a", 10_000, 1],
    ["GET /api/v1/namespaces/a/pods/b", 10_000, 1],
    ["POST /api/v1/namespaces/a/pods", 10_000, 1],
    ["GET /api/v1/pods?watch=true", 10_000, 1],
    ["GET /api/v1/pods?watch=true&sendInitialEvents=true", 10_000, 10],
    ["GET /readyz", 10_000, 1],
  ];
  for (const [ask, stored, seats] of table) {
    const url = ask.split(" ")[1]!;
    assert.equal(seatsOf(request("bob", ask).info, url, () => stored), seats, ask);
  }
});
