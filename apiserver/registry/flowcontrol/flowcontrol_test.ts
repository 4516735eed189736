import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, row, statusErrors } from "../meta/kind_scene.ts";
import { flowSchema } from "./flow_schema.ts";
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from "./mandatory.ts";
import { priorityLevelConfiguration as level } from "./priority_level_configuration.ts";

const subject = { kind: "User", user: { name: "ann" } };
const resourceRule = { verbs: ["get"], apiGroups: [""], resources: ["pods"], namespaces: ["default"] };
const rules = (more: Record<string, unknown>) => ({
  priorityLevelConfiguration: { name: "low" },
  rules: [{ subjects: [subject], resourceRules: [resourceRule], ...more }],
});

Deno.test("flowSchema matches in the middle unless it says otherwise", () => {
  assert.equal(defaulted(flowSchema, { spec: { matchingPrecedence: 0 } }).spec.matchingPrecedence, 1000);
  assert.ok(isIdempotent(flowSchema, {}));
});

Deno.test("flowSchema says what is wrong with its place", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{ ...rules({}), distinguisherMethod: { type: "ByUser" } }, []],
    [{}, ["spec.priorityLevelConfiguration.name: Required value: must reference a priority level"]],
    [{ ...rules({}), matchingPrecedence: -1 }, [
      "spec.matchingPrecedence: Invalid value: -1: must be a positive value",
    ]],
    [{ ...rules({}), matchingPrecedence: 10_001 }, [
      "spec.matchingPrecedence: Invalid value: 10001: must not be greater than 10000",
    ]],
    [{ ...rules({}), matchingPrecedence: 1, distinguisherMethod: { type: "ByMood" } }, [
      "spec.matchingPrecedence: Invalid value: 1: only the schema named 'exempt' may have matchingPrecedence 1",
      'spec.distinguisherMethod.type: Unsupported value: {"type":"ByMood"}: supported values: "ByNamespace", "ByUser"',
    ]],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(flowSchema, { spec }), expected);
});

Deno.test("flowSchema says what is wrong with its rules", () => {
  const urls = (...nonResourceURLs: string[]) => ({ nonResourceRules: [{ verbs: ["*"], nonResourceURLs }] });
  const verbs = '"create", "delete", "deletecollection", "get", "list", "patch", "proxy", "update", "watch"';
  const table: [Record<string, unknown>, string[]][] = [
    [urls("/", "/healthz", "/metrics/*"), []],
    [{ subjects: [], resourceRules: [] }, [
      ".subjects: Required value: subjects must contain at least one value",
      ": Required value: at least one of resourceRules and nonResourceRules has to be non-empty",
    ]],
    [{ resourceRules: [{}] }, [
      ".resourceRules[0].verbs: Required value: verbs must contain at least one value",
      ".resourceRules[0].apiGroups: Required value: resource rules must supply at least one api group",
      ".resourceRules[0].resources: Required value: resource rules must supply at least one resource",
      ".resourceRules[0].namespaces: Required value: " +
      "resource rules that are not cluster scoped must supply at least one namespace",
    ]],
    [{ resourceRules: [{ ...resourceRule, namespaces: undefined, clusterScope: true }] }, []],
    [{ resourceRules: [{ ...resourceRule, verbs: ["*", "get"], resources: ["*", "a"], namespaces: ["*", "a"] }] }, [
      '.resourceRules[0].verbs: Invalid value: ["*","get"]: if \'*\' is present, must not specify other verbs',
      '.resourceRules[0].resources: Invalid value: ["*","a"]: if \'*\' is present, must not specify other resources',
      '.resourceRules[0].namespaces: Invalid value: ["*","a"]: if \'*\' is present, must not specify other namespaces',
    ]],
    [{ resourceRules: [{ ...resourceRule, verbs: ["look"] }] }, [
      `.resourceRules[0].verbs: Unsupported value: ["look"]: supported values: ${verbs}`,
    ]],
    [urls("", "x", "/a b", "/a//b", "/a*", "/*/*"), [
      '.nonResourceRules[0].nonResourceURLs[0]: Invalid value: "": must not be empty',
      '.nonResourceRules[0].nonResourceURLs[1]: Invalid value: "x": must start with slash',
      '.nonResourceRules[0].nonResourceURLs[2]: Invalid value: "/a b": must not contain white-space',
      '.nonResourceRules[0].nonResourceURLs[3]: Invalid value: "/a//b": must not contain double slash',
      '.nonResourceRules[0].nonResourceURLs[4]: Invalid value: "/a*": wildcard can only do suffix matching',
      '.nonResourceRules[0].nonResourceURLs[5]: Invalid value: "/*/*": wildcard can only do suffix matching',
    ]],
    [{ subjects: [{ kind: "Robot" }, { kind: "User" }, { ...subject, group: { name: "g" } }] }, [
      '.subjects[0].kind: Unsupported value: "Robot": supported values: "Group", "ServiceAccount", "User"',
      ".subjects[1].user: Required value: user is required when subject kind is 'User'",
      ".subjects[2].group: Forbidden: group is forbidden when subject kind is not 'Group'",
    ]],
    [{ subjects: [{ kind: "ServiceAccount", serviceAccount: { name: "*" } }, { kind: "Group", group: {} }] }, [
      ".subjects[0].serviceAccount.namespace: Required value: must specify namespace for service account",
      ".subjects[1].group.name: Required value",
    ]],
  ];
  for (const [more, expected] of table) {
    const errors = createErrors(flowSchema, { spec: rules(more) });
    assert.deepEqual(errors, expected.map((line) => `spec.rules[0]${line}`));
  }
});

Deno.test("flow control's own objects can't be changed, but for the numbers of exempt", () => {
  for (const [name, spec] of Object.entries(mandatoryFlowSchemas)) {
    const given = { metadata: { name }, spec: { ...spec } };
    assert.deepEqual(createErrors(flowSchema, given), []);
    const [error = ""] = createErrors(flowSchema, { ...given, spec: { ...spec, rules: [] } });
    assert.match(error, new RegExp(`^spec: Invalid value: .*: spec of '${name}' must equal the fixed value$`));
  }
  for (const [name, spec] of Object.entries(mandatoryPriorityLevels)) {
    assert.deepEqual(createErrors(level, { metadata: { name }, spec: { ...spec } }), []);
  }
  const exempt = { type: "Exempt", exempt: { nominalConcurrencyShares: 5 } };
  assert.deepEqual(createErrors(level, { metadata: { name: "exempt" }, spec: exempt }), []);
  const limited = { nominalConcurrencyShares: 6, limitResponse: { type: "Reject" } };
  const [error = ""] = createErrors(level, { metadata: { name: "catch-all" }, spec: { type: "Limited", limited } });
  assert.match(error, /: spec of 'catch-all' must equal the fixed value$/);
});

const queue = (queuing: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  type: "Limited",
  limited: { limitResponse: { type: "Queue", queuing }, ...more },
});

Deno.test("priorityLevelConfiguration has shares, and queues when it queues", () => {
  assert.deepEqual(defaulted(level, { spec: queue({}) }).spec, {
    type: "Limited",
    limited: {
      nominalConcurrencyShares: 30,
      lendablePercent: 0,
      limitResponse: { type: "Queue", queuing: { handSize: 8, queues: 64, queueLengthLimit: 50 } },
    },
  });
  const none = { nominalConcurrencyShares: 0, lendablePercent: 0 };
  assert.deepEqual(defaulted(level, { spec: { type: "Exempt", exempt: {} } }).spec.exempt, none);
  assert.ok(isIdempotent(level, { spec: queue({}) }));
});

Deno.test("priorityLevelConfiguration says all that is wrong", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [queue({}), []],
    [queue({ handSize: 1, queues: 10_000_000 }, { nominalConcurrencyShares: 0 }), []],
    [{}, ['type: Unsupported value: "": supported values: "Exempt", "Limited"']],
    [{ type: "Exempt", limited: {} }, [
      "type: Invalid value: \"Exempt\": type must be 'Exempt' if and only if `name` is 'exempt'",
      "limited: Forbidden: must be nil if the type is not Limited",
    ]],
    [{ type: "Limited", exempt: {} }, [
      "exempt: Forbidden: must be nil if the type is Limited",
      "limited: Required value: must not be empty when type is Limited",
    ]],
    [{ type: "Limited", limited: {} }, [
      'limited.limitResponse.type: Unsupported value: "": supported values: "Queue", "Reject"',
    ]],
    [{ type: "Limited", limited: { limitResponse: { type: "Reject", queuing: {} } } }, [
      "limited.limitResponse.queuing: Forbidden: must be nil if limited.limitResponse.type is not Limited",
    ]],
    [{ type: "Limited", limited: { limitResponse: { type: "Queue" } } }, [
      "limited.limitResponse.queuing: Required value: must not be empty if limited.limitResponse.type is Limited",
    ]],
    [queue({}, { nominalConcurrencyShares: -1, lendablePercent: 101, borrowingLimitPercent: -1 }), [
      "limited.nominalConcurrencyShares: Invalid value: -1: must be a non-negative integer",
      "limited.lendablePercent: Invalid value: 101: must be between 0 and 100, inclusive",
      "limited.borrowingLimitPercent: Invalid value: -1: if specified, must be a non-negative integer",
    ]],
    [queue({ queues: 4, queueLengthLimit: -1 }), [
      "limited.limitResponse.queuing.queueLengthLimit: Invalid value: -1: must be positive",
      "limited.limitResponse.queuing.handSize: Invalid value: 8: should not be greater than queues (4)",
    ]],
    [queue({ queues: 512, handSize: 7 }), [
      "limited.limitResponse.queuing.handSize: Invalid value: 7: " +
      "required entropy bits of deckSize 512 and handSize 7 should not be greater than 60",
    ]],
    [queue({ queues: 10_000_001, handSize: -1 }), [
      "limited.limitResponse.queuing.queues: Invalid value: 10000001: must not be greater than 10000000",
      "limited.limitResponse.queuing.handSize: Invalid value: -1: must be positive",
    ]],
  ];
  for (const [spec, expected] of table) {
    assert.deepEqual(createErrors(level, { spec }), expected.map((line) => `spec.${line}`));
  }
});

Deno.test("flow control shows what belongs where", () => {
  assert.equal(header(flowSchema), "Name, PriorityLevel, MatchingPrecedence, DistinguisherMethod, Age, MissingPL");
  const schema = created(flowSchema, { spec: rules({}) });
  assert.equal(row(flowSchema, schema), "web low 1000 <none> 0s ? |");
  schema.status = { conditions: [{ type: "Dangling", status: "False" }] };
  assert.equal(row(flowSchema, schema), "web low 1000 <none> 0s False |");
  assert.equal(
    header(level),
    "Name, Type, NominalConcurrencyShares, Queues, HandSize, QueueLengthLimit, Age",
  );
  assert.equal(row(level, created(level, { spec: queue({}) })), "web Limited 30 64 8 50 0s |");
  const errors = statusErrors(flowSchema, schema, (object) => object.status = { conditions: [{}, { type: "" }] });
  assert.deepEqual(errors, [
    "status.conditions[0].type: Required value: must not be empty",
    'status.conditions[1].type: Duplicate value: ""',
    "status.conditions[1].type: Required value: must not be empty",
  ]);
});
