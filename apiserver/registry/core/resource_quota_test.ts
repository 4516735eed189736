import assert from "assert";
import { created, createErrors, header, isIdempotent, row, statusErrors, updateErrors } from "../meta/kind_scene.ts";
import { resourceQuota } from "./resource_quota.ts";

Deno.test("resourceQuota says all that is wrong", () => {
  const scopes = (...list: string[]) => `spec.scopes: Invalid value: ${JSON.stringify(list)}:`;
  const at = "spec.scopeSelector.matchExpressions";
  const expressions = (...matchExpressions: Record<string, unknown>[]) => ({ scopeSelector: { matchExpressions } });
  const table: [Record<string, unknown>, string[]][] = [
    [{}, []],
    [{ hard: { pods: "10", "requests.cpu": "1.5", "count/jobs.batch": "3", "requests.hugepages-2Mi": "4Mi" } }, []],
    [{ hard: { speed: "1", storage: "1Gi", pods: "1500m", cpu: "-1" } }, [
      'spec.hard[speed]: Invalid value: "speed": must be a standard resource type or fully qualified',
      'spec.hard[speed]: Invalid value: "speed": must be a standard resource for quota',
      'spec.hard[storage]: Invalid value: "storage": must be a standard resource for quota',
      'spec.hard[pods]: Invalid value: "1500m": must be an integer',
      'spec.hard[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    ]],
    [{ hard: { cpu: "1" }, scopes: ["BestEffort", "NotBestEffort"] }, [
      `${scopes("BestEffort", "NotBestEffort")} unsupported scope applied to resource`,
      `${scopes("BestEffort", "NotBestEffort")} conflicting scopes`,
    ]],
    [{ scopes: ["Odd"] }, [`${scopes("Odd")} unsupported scope`]],
    [expressions({ scopeName: "PriorityClass", operator: "In", values: ["high"] }), []],
    [
      expressions({ scopeName: "Terminating", operator: "In" }, {
        scopeName: "Odd",
        operator: "Exists",
        values: ["a"],
      }),
      [
        `${at}.operator: Invalid value: "In": must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ` +
        "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or " +
        "ResourceQuotaScopeCrossNamespacePodAffinity",
        `${at}.values: Required value: must be at least one value when \`operator\` is 'In' or 'NotIn' for scope selector`,
        `${at}.scopeName: Invalid value: "Odd": unsupported scope`,
        `${at}.values: Invalid value: ["a"]: must be no value when \`operator\` is 'Exist' or 'DoesNotExist' for scope selector`,
      ],
    ],
    [expressions({ scopeName: "PriorityClass", operator: "Like" }), [
      `${at}.operator: Invalid value: "Like": not a valid selector operator`,
    ]],
    [
      expressions({ scopeName: "Terminating", operator: "Exists" }, {
        scopeName: "NotTerminating",
        operator: "Exists",
      }),
      [
        `${at}: Invalid value: null: conflicting scopes`,
      ],
    ],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(resourceQuota, { spec }), expected);
  assert.ok(isIdempotent(resourceQuota, { spec: { hard: { cpu: "1" } } }));
});

Deno.test("resourceQuota keeps its scopes, in any order", () => {
  const old = created(resourceQuota, { spec: { scopes: ["Terminating", "PriorityClass"] } });
  assert.deepEqual(updateErrors(resourceQuota, old, ({ spec }) => spec.scopes!.reverse()), []);
  assert.deepEqual(updateErrors(resourceQuota, old, ({ spec }) => spec.scopes!.pop()), [
    'spec.scopes: Invalid value: ["Terminating"]: field is immutable',
  ]);
  assert.deepEqual(statusErrors(resourceQuota, old, ({ status }) => status.used = { pods: "500m" }), [
    'status.used[pods]: Invalid value: "500m": must be an integer',
  ]);
});

Deno.test("resourceQuota columns are kubectl's", () => {
  assert.equal(header(resourceQuota), "Name, Request, Limit, Age");
  const object = created(resourceQuota, {});
  assert.equal(row(resourceQuota, object), "web   0s |");
  object.status = { hard: { pods: "10", "limits.cpu": "4", cpu: "2" }, used: { pods: "3" } };
  assert.equal(row(resourceQuota, object), "web cpu: 0/2, pods: 3/10 limits.cpu: 0/4 0s |");
});
