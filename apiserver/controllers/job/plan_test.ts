import assert from "assert";
import type { WakeAt } from "../../../lib/controller/controller.ts";
import type { Job, JobSpec, JobStatus } from "../../../lib/types/batch_v1.ts";
import type { Pod } from "../../../lib/types/core_v1.ts";
import { trackingFinalizer } from "./draft.ts";
import { finishedAt, judge } from "./failed_pod.ts";
import { IndexSet } from "./indexes.ts";
import { type JobAction, planJob } from "./plan.ts";
import { jobPod } from "./template.ts";
import { planTtl } from "../ttl_after_finished.ts";

const now = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString().replace(".000", "");
const meta = (name: string) => ({
  name,
  namespace: "default",
  uid: name,
  resourceVersion: "1",
  creationTimestamp: at(-1000),
});

interface Wish {
  spec?: Partial<JobSpec>;
  status?: JobStatus;
  pods?: string[];
  deleting?: true;
}

function job({ spec, status, deleting }: Wish): Job {
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { ...meta("j"), deletionTimestamp: deleting ? at(0) : undefined },
    spec: {
      parallelism: 2,
      completions: 3,
      backoffLimit: 6,
      completionMode: "NonIndexed",
      template: { metadata: { labels: { app: "j" } }, spec: { restartPolicy: "Never", containers: [{ name: "c" }] } },
      ...spec,
    },
    status: { startTime: at(-100), uncountedTerminatedPods: {}, ready: 0, terminating: 0, ...status },
  } as Job;
}

/**
 * `a running 3`: an active pod of index 3. Also: `ready`, `succeeded`, `failed` (200 s ago; `fresh`: now), `deleting`, `settled` (without
 * its finalizer), `exit=42`, `disrupted`, `failures=1` (of its index before), `restarts=2`.
 */
function pod(text: string): Pod {
  const [name, ...words] = text.split(" ");
  const has = (word: string) => words.includes(word);
  const value = (key: string) => words.find((word) => word.startsWith(`${key}=`))?.slice(key.length + 1);
  const index = words.find((word) => /^\d+$/.test(word));
  const phase = has("succeeded") ? "Succeeded" : has("failed") ? "Failed" : "Running";
  const finishedAt = at(has("fresh") ? 0 : -200);
  const exitCode = Number(value("exit") ?? (phase === "Failed" ? 1 : 0));
  const condition = (type: string) => ({ type, status: "True" as const });
  const failures = value("failures");
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      ...meta(name!),
      finalizers: has("settled") ? undefined : [trackingFinalizer],
      deletionTimestamp: has("deleting") ? at(30) : undefined,
      deletionGracePeriodSeconds: has("deleting") ? 30 : undefined,
      annotations: {
        ...(index === undefined ? {} : { "batch.kubernetes.io/job-completion-index": index }),
        ...(failures === undefined ? {} : { "batch.kubernetes.io/job-index-failure-count": failures }),
      },
    },
    spec: { containers: [{ name: "c" }] },
    status: {
      phase,
      conditions: [
        ...(has("ready") ? [condition("Ready")] : []),
        ...(has("disrupted") ? [condition("Disrupted")] : []),
      ],
      containerStatuses: [{
        name: "c",
        restartCount: Number(value("restarts") ?? 0),
        state: phase === "Running" ? { running: {} } : { terminated: { exitCode, finishedAt } },
      }],
    },
  } as unknown as Pod;
}

function textOf(action: JobAction | WakeAt): string {
  const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name).join(" ");
  switch (action.do) {
    case "createPods":
      return `create ${
        action.replicas.map(({ index, failures }) =>
          `${index ?? "-"}${failures?.counted ? `:${failures.counted}` : ""}`
        )
          .join(" ")
      }`;
    case "deletePods":
      return `delete${action.uncounted ? " uncounted" : ""} ${names(action.pods)}`;
    case "settle":
      return `settle ${names(action.pods)}`;
    case "wakeAt":
      return `wake +${(action.at - now) / 1000}`;
    case "updateStatus": {
      const { active, succeeded, failed, completedIndexes, failedIndexes, uncountedTerminatedPods, conditions = [] } =
        action.status;
      const parts = {
        active,
        succeeded,
        failed,
        completed: completedIndexes,
        failedIndexes,
        done: uncountedTerminatedPods?.succeeded?.join(","),
        lost: uncountedTerminatedPods?.failed?.join(","),
        is: conditions.filter(({ status }) => status === "True").map(({ type, reason }) => `${type}/${reason}`).join(
          " ",
        ),
      };
      return `status ${
        Object.entries(parts).filter(([, value]) => value).map(([key, value]) => `${key}=${value}`).join(" ")
      }`;
    }
    default:
      return `${action.do} ${action.pod.metadata.name}`;
  }
}

const planned = (wish: Wish) =>
  planJob({ job: job(wish), pods: { mine: (wish.pods ?? []).map(pod), adopt: [], release: [] } }, now).map(textOf);

function check(name: string, table: [why: string, wish: Wish, expected: string[]][]): void {
  Deno.test(`planJob() ${name}`, () => {
    for (const [why, wish, expected] of table) assert.deepEqual(planned(wish), expected, why);
  });
}

const stored = (type: string, reason: string) => ({ type, reason, message: "", status: "True" });
const met = { conditions: [stored("SuccessCriteriaMet", "CompletionsReached")] };
const running2 = { active: 2 };

check("keeps as many pods as parallelism and completions allow", [
  ["at its start", {}, ["create - -"]],
  ["its start is written first", { status: { startTime: undefined } }, ["status ", "create - -"]],
  ["one by one", { status: { active: 1 }, pods: ["a running"] }, ["create -"]],
  ["enough", { status: running2, pods: ["a running", "b running"] }, []],
  ["no more than are left", { status: { succeeded: 2 } }, ["create -"]],
  ["too many after a change", { spec: { parallelism: 1 }, status: running2, pods: ["a running", "b running ready"] }, [
    "status active=2",
    "delete uncounted a",
  ]],
  ["a queue is worked off until one says that it is empty", {
    spec: { completions: undefined },
    status: { active: 1, succeeded: 1 },
    pods: ["a running"],
  }, []],
  ["nothing while it is being deleted", { deleting: true, status: { active: 1 }, pods: ["a running"] }, ["settle a"]],
]);

check("counts an ended pod in three steps", [
  ["it is written down, and may go", { status: running2, pods: ["a succeeded", "b running"] }, [
    "status active=1 done=a",
    "settle a",
    "create -",
  ]],
  ["until it is seen to be settled its uid stays", {
    status: { ...running2, uncountedTerminatedPods: { succeeded: ["a"] } },
    pods: ["a succeeded", "b running", "c running"],
  }, ["settle a"]],
  ["then it is a number", {
    status: { ...running2, uncountedTerminatedPods: { succeeded: ["a"] } },
    pods: ["a succeeded settled", "b running", "c running"],
  }, ["status active=2 succeeded=1"]],
  ["also when it is gone", {
    status: { ...running2, uncountedTerminatedPods: { failed: ["a"] } },
    pods: [
      "b running",
      "c running",
    ],
  }, ["status active=2 failed=1"]],
  ["a pod that is deleted has failed", { status: running2, pods: ["a running deleting", "b running"] }, [
    "status active=1 lost=a",
    "settle a",
    "wake +10",
  ]],
  ["unless only failed ones are replaced", {
    spec: { podReplacementPolicy: "Failed" },
    status: { active: 1, terminating: 1 },
    pods: ["a running deleting", "b running"],
  }, []],
]);

check("waits after failures", [
  ["of long ago: no longer", { spec: { parallelism: 1 }, status: { failed: 1 }, pods: ["a failed settled"] }, [
    "create -",
  ]],
  ["of now: 10 s", { spec: { parallelism: 1 }, status: { failed: 1 }, pods: ["a failed fresh settled"] }, [
    "wake +10",
  ]],
  ["the second: 20 s", {
    spec: { parallelism: 1 },
    status: { failed: 2 },
    pods: ["a failed settled", "b failed fresh settled"],
  }, ["wake +20"]],
  ["a success in between: from the beginning", {
    spec: { parallelism: 1 },
    status: { failed: 2, succeeded: 1 },
    pods: ["a failed settled", "s succeeded settled", "b failed fresh settled"],
  }, ["wake +10"]],
]);

check("ends when its completions are reached", [
  ["the last success", { status: { active: 1, succeeded: 2 }, pods: ["a succeeded"] }, [
    "status succeeded=2 done=a is=SuccessCriteriaMet/CompletionsReached",
    "settle a",
  ]],
  ["counted", {
    status: { ...met, succeeded: 2, uncountedTerminatedPods: { succeeded: ["a"] } },
    pods: ["a succeeded settled"],
  }, ["status succeeded=3 is=SuccessCriteriaMet/CompletionsReached Complete/CompletionsReached"]],
  ["a pod that is still ending is waited for", {
    status: { ...met, succeeded: 3, terminating: 1 },
    pods: ["a running deleting settled"],
  }, []],
  ["none wanted: at once", { spec: { completions: 0 } }, [
    "status is=SuccessCriteriaMet/CompletionsReached Complete/CompletionsReached",
  ]],
  ["finished: stragglers are let go, no more", {
    status: { conditions: [stored("Complete", "x")], succeeded: 3 },
    pods: ["a failed", "b failed settled"],
  }, ["settle a"]],
]);

check("fails at its limits", [
  ["too many failures", { spec: { backoffLimit: 0 }, status: running2, pods: ["a failed", "b running"] }, [
    "status active=1 lost=a,b is=FailureTarget/BackoffLimitExceeded",
    "delete b",
    "settle a b",
  ]],
  ["the rest has ended", {
    spec: { backoffLimit: 0 },
    status: {
      failed: 1,
      conditions: [stored("FailureTarget", "BackoffLimitExceeded")],
      uncountedTerminatedPods: { failed: ["b"] },
    },
  }, ["status failed=2 is=FailureTarget/BackoffLimitExceeded Failed/BackoffLimitExceeded"]],
  ["too many restarts in place", {
    spec: { backoffLimit: 2, template: { spec: { restartPolicy: "OnFailure", containers: [] } } as never },
    status: { active: 1 },
    pods: ["a running restarts=2"],
  }, ["status active=1 lost=a is=FailureTarget/BackoffLimitExceeded", "delete a", "settle a"]],
  ["its deadline", { spec: { activeDeadlineSeconds: 100 } }, [
    "status is=FailureTarget/DeadlineExceeded Failed/DeadlineExceeded",
  ]],
  ["not yet", { spec: { activeDeadlineSeconds: 130 } }, ["create - -", "wake +30"]],
]);

check("stands still while it is suspended", [
  ["its pods go and are no failures", { spec: { suspend: true }, status: { active: 1 }, pods: ["a running"] }, [
    "status active=1 is=Suspended/JobSuspended",
    "delete uncounted a",
  ]],
  ["one that begins suspended has no start", { spec: { suspend: true }, status: { startTime: undefined } }, [
    "status is=Suspended/JobSuspended",
  ]],
  ["resumed, it begins anew", {
    spec: { activeDeadlineSeconds: 50 },
    status: { conditions: [stored("Suspended", "JobSuspended")] },
  }, ["status ", "create - -", "wake +50"]],
]);

const indexed = { completionMode: "Indexed" as const, completions: 4, parallelism: 4 };
const each = { ...indexed, backoffLimitPerIndex: 1, backoffLimit: 2 ** 31 - 1 };

check("runs every index of an Indexed Job once", [
  ["all at first", { spec: indexed }, ["create 0 1 2 3"]],
  ["those that are missing", {
    spec: indexed,
    status: { completedIndexes: "1", succeeded: 1, active: 1 },
    pods: [
      "a running 2",
    ],
  }, ["create 0 3"]],
  ["a completed one is in the status at once", {
    spec: indexed,
    status: { active: 1 },
    pods: [
      "a succeeded 2",
      "b running 0",
    ],
  }, ["status active=1 succeeded=1 completed=2", "settle a", "create 1 3"]],
  ["twins and strangers go", {
    spec: { ...indexed, completions: 2, parallelism: 2 },
    status: { active: 4 },
    pods: [
      "a running 0",
      "b running 0 ready",
      "c running 7",
      "d running 1",
    ],
  }, ["status active=4", "delete uncounted c a"]],
  ["a rule of success", {
    spec: { ...indexed, successPolicy: { rules: [{ succeededIndexes: "0-2", succeededCount: 2 }] } },
    status: { completedIndexes: "0", succeeded: 1, active: 2 },
    pods: ["a succeeded 2", "b running 1"],
  }, [
    "status active=1 succeeded=2 completed=0,2 is=SuccessCriteriaMet/SuccessPolicy",
    "delete b",
    "settle b a",
  ]],
]);

check("limits the failures of each index", [
  ["a failed one is tried again, and not forgotten until it runs", {
    spec: each,
    status: { failedIndexes: "" },
    pods: [
      "a failed 1",
    ],
  }, ["create 0 1:1 2 3"]],
  ["then its pod is counted", {
    spec: each,
    status: { failedIndexes: "", active: 1 },
    pods: [
      "a failed 1",
      "b running 1 failures=1",
    ],
  }, ["status active=1 lost=a", "settle a", "create 0 2 3"]],
  ["it waits alone", {
    spec: { ...each, completions: 2 },
    status: { failedIndexes: "", active: 1 },
    pods: [
      "a failed fresh 1",
      "b running 0",
    ],
  }, ["wake +10"]],
  ["the last failure ends the index", {
    spec: each,
    status: { failedIndexes: "", active: 3 },
    pods: [
      "a failed 1 failures=1",
      "b running 0",
      "c running 2",
      "d running 3",
    ],
  }, ["status active=3 failedIndexes=1 lost=a", "settle a"]],
  ["too many of them end the Job", {
    spec: { ...each, maxFailedIndexes: 0 },
    status: { failedIndexes: "" },
    pods: [
      "a failed 1 failures=1",
    ],
  }, ["status failedIndexes=1 lost=a is=FailureTarget/MaxFailedIndexesExceeded", "settle a"]],
  ["all done, some failed", { spec: each, status: { failedIndexes: "1", completedIndexes: "0,2,3", succeeded: 3 } }, [
    "status succeeded=3 completed=0,2,3 failedIndexes=1 is=FailureTarget/FailedIndexes Failed/FailedIndexes",
  ]],
]);

const policy = (action: string) => ({
  podFailurePolicy: { rules: [{ action, onExitCodes: { operator: "In", values: [42] } }] } as never,
  parallelism: 1,
});

check("obeys its failure policy", [
  ["FailJob", { spec: policy("FailJob"), pods: ["a failed exit=42"] }, [
    "status lost=a is=FailureTarget/PodFailurePolicy",
    "settle a",
  ]],
  ["Ignore", { spec: policy("Ignore"), pods: ["a failed exit=42"] }, ["settle a", "create -"]],
  ["Count", { spec: policy("Count"), pods: ["a failed exit=42"] }, ["status lost=a", "settle a", "create -"]],
  ["FailIndex", {
    spec: { ...each, ...policy("FailIndex"), parallelism: 4 },
    status: { failedIndexes: "" },
    pods: [
      "a failed exit=42 1",
    ],
  }, ["status failedIndexes=1 lost=a", "settle a", "create 0 2 3"]],
]);

Deno.test("planJob() leaves Jobs of other controllers alone, and lets orphans go", () => {
  assert.deepEqual(planned({ spec: { managedBy: "example.com/queue" } }), []);
  assert.deepEqual(planJob({ orphan: pod("a running") }, now).map(textOf), ["settle a"]);
});

Deno.test("judge() says which rule matched", () => {
  const rules = [
    { action: "Ignore", onPodConditions: [{ type: "Disrupted", status: "True" }] },
    { action: "FailJob", onExitCodes: { containerName: "c", operator: "NotIn", values: [1] } },
  ];
  const of = (text: string) => judge(job({ spec: { podFailurePolicy: { rules } as never } }), pod(text));
  assert.deepEqual(of("a failed disrupted exit=7"), { counts: false, action: "Ignore" });
  assert.deepEqual(of("a failed exit=1"), { counts: true });
  assert.equal(
    of("a failed exit=7").message,
    "Container c for pod default/a failed with exit code 7 matching FailJob rule at index 1",
  );
});

Deno.test("finishedAt() asks containers, then conditions, then the deletion", () => {
  assert.equal(finishedAt(pod("a failed")), now - 200_000);
  assert.equal(finishedAt(pod("a running deleting")), now);
  assert.equal(finishedAt(pod("a running")), now - 1_000_000);
});

Deno.test("IndexSet reads and writes what a status has", () => {
  const table: [string, number, string, number][] = [
    ["", 10, "", 0],
    ["0,2-4,6", 10, "0,2-4,6", 5],
    ["1,2", 10, "1,2", 2],
    ["1-2,3", 10, "1-3", 3],
    ["5-9", 8, "5-7", 3],
    ["x,3", 10, "3", 1],
  ];
  for (const [text, completions, written, total] of table) {
    const set = IndexSet.parse(text, completions);
    assert.deepEqual([set.toString(), set.total], [written, total], text);
  }
  const set = IndexSet.of([4, 1, 2]);
  assert.equal(set.with(IndexSet.of([3, 9])).toString(), "1-4,9");
  assert.deepEqual(set.missing(3, 10), [0, 3, 5]);
  assert.deepEqual(set.missing(9, 5), [0, 3]);
  assert.equal(set.common(IndexSet.parse("0-2", 10)), 2);
});

Deno.test("jobPod() tells a pod its index", () => {
  const owner = job({ spec: indexed });
  const { metadata, spec } = jobPod(owner, { index: 3, failures: { counted: 1, ignored: 0 } });
  assert.equal(metadata.generateName, "j-3-");
  assert.equal(metadata.labels!["batch.kubernetes.io/job-completion-index"], "3");
  assert.equal(metadata.annotations!["batch.kubernetes.io/job-index-failure-count"], "1");
  assert.deepEqual(metadata.finalizers, [trackingFinalizer]);
  assert.equal(spec.hostname, "j-3");
  const fieldPath = "metadata.labels['batch.kubernetes.io/job-completion-index']";
  assert.deepEqual(spec.containers[0]!.env, [{ name: "JOB_COMPLETION_INDEX", valueFrom: { fieldRef: { fieldPath } } }]);
  owner.metadata.name = "x".repeat(63);
  assert.equal(jobPod(owner, { index: 12 }).metadata.generateName, `${"x".repeat(54)}-12-`);
  assert.equal(jobPod(job({}), {}).metadata.generateName, "j-");
});

Deno.test("planTtl() deletes a finished Job when its time is over", () => {
  const finished = (ttl: number | undefined, more: Wish = {}) => {
    const condition = { ...stored("Failed", "x"), lastTransitionTime: at(-60) };
    const made = job({ ...more, spec: { ttlSecondsAfterFinished: ttl }, status: { conditions: [condition] } });
    return planTtl(made, now).map((action) => action.do === "wakeAt" ? `wake +${(action.at - now) / 1000}` : action.do);
  };
  assert.deepEqual(finished(60), ["delete"]);
  assert.deepEqual(finished(0), ["delete"]);
  assert.deepEqual(finished(100), ["wake +40"]);
  assert.deepEqual(finished(undefined), []);
  assert.deepEqual(finished(0, { deleting: true }), []);
  assert.deepEqual(planTtl(job({ spec: { ttlSecondsAfterFinished: 0 } }), now), []);
});
