import assert from "assert";
import type { Job } from "../../../lib/types/batch_v1.ts";
import {
  created,
  createErrors,
  defaulted,
  header,
  isIdempotent,
  now,
  row,
  statusErrors,
  updateErrors,
} from "../meta/kind_scene.ts";
import { job } from "./job.ts";

// deno-lint-ignore no-explicit-any -- specs that are wrong on purpose
type Any = any;

const template = (spec: Any = {}) => ({
  spec: { containers: [{ name: "a", image: "busybox:1" }], restartPolicy: "Never", ...spec },
});
const valid = (more: Any = {}) => ({ spec: { template: template(), ...more } });
const indexed = (more: Any = {}) => valid({ completionMode: "Indexed", completions: 3, parallelism: 3, ...more });
const at = (secondsAgo: number) => new Date(now - secondsAgo * 1000).toISOString().slice(0, 19) + "Z";

Deno.test("a job has Kubernetes' defaults, and labels by which it knows its pods", () => {
  const { template: made, ...spec } = created(job, valid()).spec;
  assert.deepEqual(spec, {
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: "NonIndexed",
    suspend: false,
    podReplacementPolicy: "TerminatingOrFailed",
    manualSelector: false,
    selector: { matchLabels: { "batch.kubernetes.io/controller-uid": "uid-1" } },
  });
  assert.deepEqual(made.metadata!.labels, {
    "job-name": "web",
    "batch.kubernetes.io/job-name": "web",
    "controller-uid": "uid-1",
    "batch.kubernetes.io/controller-uid": "uid-1",
  });
  const more = defaulted(
    job,
    valid({
      parallelism: 4,
      completionMode: "Indexed",
      backoffLimitPerIndex: 1,
      podFailurePolicy: { rules: [{ action: "Ignore", onPodConditions: [{ type: "DisruptionTarget" }] }] },
      template: { ...template(), metadata: { labels: { a: "b" } } },
    }),
  );
  assert.equal(more.spec.completions, undefined);
  assert.equal(more.spec.backoffLimit, 2147483647);
  assert.equal(more.spec.podReplacementPolicy, "Failed");
  assert.equal(more.spec.podFailurePolicy!.rules[0]!.onPodConditions![0]!.status, "True");
  assert.deepEqual(more.metadata.labels, { a: "b" });
  for (const given of [{}, valid(), indexed()]) assert.ok(isIdempotent(job, given));
});

Deno.test("jobs that are right have no errors", () => {
  const table: Any[] = [
    valid(),
    indexed(),
    indexed({ successPolicy: { rules: [{ succeededIndexes: "0-1", succeededCount: 1 }] } }),
    indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 2 }),
    valid({ managedBy: "acme.io/queue" }),
    valid({
      manualSelector: true,
      selector: { matchLabels: { a: "b" } },
      template: { ...template(), metadata: { labels: { a: "b" } } },
    }),
    valid({ podFailurePolicy: { rules: [{ action: "FailJob", onExitCodes: { operator: "In", values: [1, 2] } }] } }),
  ];
  for (const given of table) assert.deepEqual(createErrors(job, given), [], JSON.stringify(given));
});

const restart = "spec.template.spec.restartPolicy";

Deno.test("jobs are validated as in Kubernetes", () => {
  const table: [Any, string[]][] = [
    [valid({ parallelism: -1, backoffLimit: -1 }), [
      "spec.parallelism: Invalid value: -1: must be greater than or equal to 0",
      "spec.backoffLimit: Invalid value: -1: must be greater than or equal to 0",
    ]],
    [valid({ template: template({ restartPolicy: undefined }) }), [
      `${restart}: Required value: valid values: "OnFailure", "Never"`,
    ]],
    [valid({ completionMode: "Odd" }), [
      'spec.completionMode: Unsupported value: "Odd": supported values: "NonIndexed", "Indexed"',
    ]],
    [valid({ completionMode: "Indexed", parallelism: 1 }), [
      "spec.completions: Required value: when completion mode is Indexed",
    ]],
    [valid({ backoffLimitPerIndex: 1 }), [
      "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
    ]],
    [valid({ maxFailedIndexes: 1 }), [
      "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
      "spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode",
    ]],
    [indexed({ parallelism: 100_001 }), [
      "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
    ]],
    [indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 4 }), [
      "spec.maxFailedIndexes: Invalid value: 4: must be less than or equal to completions",
    ]],
    [indexed({ backoffLimitPerIndex: 1, completions: 100_001, parallelism: 10_001 }), [
      "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
      "spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index",
    ]],
    [valid({ managedBy: "queue" }), [
      'spec.managedBy: Invalid value: "queue": must be a domain-prefixed path (such as "acme.io/foo")',
    ]],
    [valid({ podReplacementPolicy: "Never" }), [
      'spec.podReplacementPolicy: Unsupported value: "Never": supported values: "Failed", "TerminatingOrFailed"',
    ]],
    [valid({ successPolicy: { rules: [{ succeededCount: 1 }] } }), [
      'spec.successPolicy: Invalid value: {"rules":[{"succeededCount":1}]}: requires indexed completion mode',
    ]],
    [{ ...indexed({ completions: 1000 }), metadata: { name: "x".repeat(60) } }, [
      `metadata.name: Invalid value: "${"x".repeat(60)}": will not able to create pod with invalid DNS label: ${
        "x".repeat(60)
      }-999`,
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(job, given), expected, JSON.stringify(given));
});

Deno.test("rules over failed and succeeded pods are validated as in Kubernetes", () => {
  const rule = (more: Any) => valid({ podFailurePolicy: { rules: [{ action: "Ignore", ...more }] } });
  const path = "spec.podFailurePolicy.rules[0]";
  const success = (...rules: Any[]) => indexed({ successPolicy: { rules } });
  const at = "spec.successPolicy.rules";
  const ranges: [string, string][] = [
    [
      "0-1-2",
      `the fragment "0-1-2" violates the requirement that an index interval can have at most two parts separated by '-'`,
    ],
    ["a", 'cannot convert string to integer for index: "a"'],
    ["3", 'too large index: "3"'],
    ["2,1", "non-increasing order, previous: 2, current: 1"],
    ["2-1", "non-increasing order, previous: 2, current: 1"],
  ];
  const table: [Any, string[]][] = [
    [rule({}), [`${path}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required`]],
    [rule({ onExitCodes: { operator: "In", values: [1] }, onPodConditions: [{ type: "X" }] }), [
      `${path}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported`,
    ]],
    [rule({ action: "", onExitCodes: { values: [2, 1, 2], containerName: "z" } }), [
      `${path}.action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]`,
      `${path}.onExitCodes.operator: Required value: valid values: ["In" "NotIn"]`,
      `${path}.onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template`,
      `${path}.onExitCodes.values[2]: Duplicate value: 2`,
      `${path}.onExitCodes.values: Invalid value: [2,1,2]: must be ordered`,
    ]],
    [rule({ action: "FailIndex", onExitCodes: { operator: "In", values: [0] } }), [
      `${path}.action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set`,
      `${path}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator`,
    ]],
    [rule({ onPodConditions: [{ type: "X", status: "Maybe" }] }), [
      `${path}.onPodConditions[0].status: Unsupported value: "Maybe": supported values: "False", "True", "Unknown"`,
    ]],
    [
      valid({
        podFailurePolicy: { rules: [{ action: "Count", onExitCodes: { operator: "NotIn", values: [1] } }] },
        template: template({ restartPolicy: "OnFailure" }),
      }),
      [`${restart}: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified`],
    ],
    [success(), [`${at}: Required value: at least one rules must be specified when the successPolicy is specified`]],
    [success({}), [`${at}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified`]],
    [success({ succeededCount: 4 }), [
      `${at}[0].succeededCount: Invalid value: 4: must be less than or equal to 3 (the number of specified completions)`,
    ]],
    [success({ succeededIndexes: "0-1", succeededCount: 3 }), [
      `${at}[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)`,
    ]],
    ...ranges.map(([text, why]): [Any, string[]] => [success({ succeededIndexes: text }), [
      `${at}[0].succeededIndexes: Invalid value: "${text}": error parsing succeededIndexes: ${why}`,
    ]]),
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(job, given), expected, JSON.stringify(given));
});

Deno.test("a job's selector is its own business", () => {
  const labels = { "job-name": "other", "batch.kubernetes.io/job-name": "web" };
  const errors = createErrors(job, valid({ template: { ...template(), metadata: { labels } } }));
  assert.equal(errors.length, 1);
  assert.match(errors[0]!, /^spec\.template\.metadata\.labels\[job-name\]: Invalid value: .*: must be 'web'$/);
  const selected = createErrors(job, valid({ selector: { matchLabels: { a: "b" } } }));
  assert.match(selected[0]!, /^spec\.selector: Invalid value: .*: `selector` not auto-generated$/);
  assert.match(selected[1]!, /: `selector` does not match template `labels`$/);
  assert.deepEqual(createErrors(job, valid({ manualSelector: true })), [
    "spec.selector: Required value",
    "spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`",
  ]);
});

Deno.test("of a job little may change, of a suspended one where it runs and what it needs", () => {
  const place = (object: Job) => {
    const { spec } = object.spec.template;
    spec.nodeSelector = { disk: "ssd" };
    spec.tolerations = [{ operator: "Exists" }];
    spec.affinity = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [] } };
    spec.containers[0]!.resources = { requests: { cpu: "2" } };
    object.spec.template.metadata!.labels = { ...object.spec.template.metadata!.labels, more: "x" };
  };
  const suspended = created(job, valid({ suspend: true }));
  assert.deepEqual(updateErrors(job, suspended, place), []);
  const changed = (errors: string[]) => errors.map((error) => error.replace(/ Invalid value: .*: /, " "));
  const template = ["spec.template: field is immutable"];
  assert.deepEqual(changed(updateErrors(job, created(job, valid()), place)), template);
  const started = created(job, valid({ suspend: true }));
  started.status.startTime = at(5);
  assert.deepEqual(changed(updateErrors(job, started, place)), template);
  started.status.conditions = [{ type: "Suspended", status: "True" }];
  assert.deepEqual(updateErrors(job, started, place), []);
  const image = (object: Job) => object.spec.template.spec.containers[0]!.image = "busybox:2";
  assert.deepEqual(changed(updateErrors(job, suspended, image)), template);
  const table: [Any, (object: Job) => void, string[]][] = [
    [valid(), (object) => Object.assign(object.spec, { parallelism: 3, suspend: true, activeDeadlineSeconds: 5 }), []],
    [valid(), (object) => object.spec.completions = 2, ["spec.completions: Invalid value: 2: field is immutable"]],
    [indexed(), (object) => Object.assign(object.spec, { completions: 5, parallelism: 5 }), []],
    [indexed(), (object) => object.spec.completions = 5, [
      "spec.completions: Invalid value: 5: can only be modified in tandem with spec.parallelism",
    ]],
    [valid(), (object) => object.spec.managedBy = "acme.io/x", [
      'spec.managedBy: Invalid value: "acme.io/x": field is immutable',
    ]],
  ];
  for (const [given, change, expected] of table) {
    assert.deepEqual(updateErrors(job, created(job, given), change), expected, String(change));
  }
});

const condition = (...types: string[]) => types.map((type) => ({ type, status: "True" }));

Deno.test("a job's status is consistent, and its ends are final", () => {
  const done = { conditions: condition("Complete", "SuccessCriteriaMet"), startTime: at(9), completionTime: at(1) };
  const conditions = "status.conditions: Invalid value";
  const table: [given: Any, before: Any, after: Any, expected: string[]][] = [
    [valid(), {}, { startTime: at(9), active: 1, ready: 1 }, []],
    [valid(), { startTime: at(9), active: 1 }, { ...done, succeeded: 1 }, []],
    [valid(), {}, { active: 1, ready: 2 }, ["status.ready: Invalid value: 2: cannot set more ready pods than active"]],
    [valid(), {}, { conditions: condition("Complete"), startTime: at(9) }, [
      "status.completionTime: Required value: completionTime is required for Complete jobs",
      `${conditions}: cannot set Complete=True condition without the SuccessCriteriaMet=true condition`,
    ]],
    [valid(), {}, { conditions: condition("Failed"), startTime: at(9), active: 1 }, [
      `${conditions}: cannot set Failed=True condition without the FailureTarget=true condition`,
      "status.active: Invalid value: 1: active>0 is invalid for finished job",
    ]],
    [valid(), {}, { conditions: condition("Failed", "FailureTarget") }, [
      "status.startTime: Required value: startTime is required for finished job",
    ]],
    [valid(), {}, { completionTime: at(1) }, [
      `status.completionTime: Invalid value: "${
        at(1)
      }": cannot set completionTime when there is no Complete=True condition`,
    ]],
    [valid(), done, {}, [
      `${conditions}: cannot disable the terminal Complete=True condition`,
      "status.startTime: Required value: startTime cannot be removed for unsuspended job",
      `${conditions}: cannot disable the SuccessCriteriaMet=True condition`,
    ]],
    [valid(), done, { ...done, completionTime: at(0) }, [
      `status.completionTime: Invalid value: "${at(0)}": field is immutable`,
    ]],
    [valid(), { failed: 2, succeeded: 1 }, { failed: 1 }, [
      "status.failed: Invalid value: 1: cannot decrease the failed counter",
      "status.succeeded: Invalid value: 0: cannot decrease the succeeded counter",
    ]],
    [indexed(), { succeeded: 2 }, { succeeded: 1, completedIndexes: "0" }, []],
    [valid(), {}, { completedIndexes: "0" }, [
      'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
    ]],
    [indexed(), {}, { completedIndexes: "0,5" }, [
      'status.completedIndexes: Invalid value: "0,5": error parsing completedIndexes: too large index: "5"',
    ]],
    [indexed({ backoffLimitPerIndex: 1 }), {}, { completedIndexes: "0-1", failedIndexes: "1" }, [
      'status.failedIndexes: Invalid value: "1": failedIndexes and completedIndexes overlap at index: 1',
    ]],
    [indexed(), {}, { failedIndexes: "1" }, [
      'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
    ]],
    [valid(), {}, { uncountedTerminatedPods: { succeeded: ["a", ""], failed: ["a"] } }, [
      'status.uncountedTerminatedPods.succeeded[1]: Invalid value: "": must not be empty',
      'status.uncountedTerminatedPods.failed[0]: Duplicate value: "a"',
    ]],
    [valid(), {}, { conditions: condition("SuccessCriteriaMet", "FailureTarget") }, [
      `${conditions}: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions`,
    ]],
    // What was wrong before and is not touched stays writable.
    [
      valid(),
      { conditions: condition("Failed"), active: 1 },
      { conditions: condition("Failed"), active: 1, ready: 1 },
      [],
    ],
  ];
  for (const [given, before, after, expected] of table) {
    const old = created(job, given);
    old.status = before;
    const found = statusErrors(job, old, (object) => object.status = after);
    assert.deepEqual(found, expected, JSON.stringify([before, after]));
  }
});

Deno.test("jobs are shown as by kubectl get -o wide", () => {
  assert.equal(header(job), "Name, Status, Completions, Duration, Age, Containers*, Images*, Selector*");
  const selector = "| a busybox:1 batch.kubernetes.io/controller-uid=uid-1";
  const table: [Any, Any, string][] = [
    [valid(), {}, "web Running 0/1  0s"],
    [valid(), { startTime: at(90), succeeded: 1 }, "web Running 1/1 90s 0s"],
    [valid({ parallelism: 3 }), { startTime: at(30) }, "web Running 0/1 of 3 30s 0s"],
    [valid({ completions: 5 }), {
      startTime: at(90),
      completionTime: at(30),
      succeeded: 5,
      conditions: condition("Complete"),
    }, "web Complete 5/5 60s 0s"],
    [valid(), { conditions: condition("Failed", "FailureTarget") }, "web Failed 0/1  0s"],
    [valid(), { conditions: condition("Suspended") }, "web Suspended 0/1  0s"],
    [valid(), { conditions: condition("FailureTarget") }, "web FailureTarget 0/1  0s"],
  ];
  for (const [given, status, expected] of table) {
    const object = created(job, given);
    object.status = status;
    assert.equal(row(job, object), `${expected} ${selector}`, JSON.stringify(status));
  }
  assert.equal(job.fields["status.successful"]!({ ...created(job, valid()), status: { succeeded: 3 } }), "3");
});
