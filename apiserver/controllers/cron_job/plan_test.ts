import assert from "assert";
import type { CronJob, CronJobSpec, CronJobStatus, Job } from "../../../lib/types/batch_v1.ts";
import { planCronJob } from "./plan.ts";

/** Every time is of this day. */
const at = (time: string) => `2026-01-01T${time}Z`;
const now = (time: string) => Date.parse(at(time));

interface Wish {
  spec?: Partial<CronJobSpec>;
  status?: CronJobStatus;
  created?: string;
  deleting?: true;
  jobs?: string[];
}

function cronJob({ spec, status = {}, created = "00:00:00", deleting }: Wish): CronJob {
  return {
    apiVersion: "batch/v1",
    kind: "CronJob",
    metadata: {
      name: "c",
      namespace: "default",
      uid: "c",
      resourceVersion: "1",
      creationTimestamp: at(created),
      deletionTimestamp: deleting ? at("00:00:00") : undefined,
    },
    spec: {
      schedule: "*/10 * * * *",
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
      jobTemplate: { metadata: { labels: { app: "c" } }, spec: { template: { spec: { containers: [] } } } as never },
      ...spec,
    },
    status,
  } as CronJob;
}

/** `a running`, `a Complete 00:10:00`, `a Failed 00:10:00` */
function job(text: string): Job {
  const [name, type, time] = text.split(" ");
  const finished = type === "running" ? {} : { conditions: [{ type, status: "True" }], startTime: at(time!) };
  return {
    metadata: { name, namespace: "default", uid: name, resourceVersion: "7" },
    status: { ...finished, completionTime: type === "Complete" ? at(time!) : undefined },
  } as unknown as Job;
}

const refer = (name: string) => ({ name, uid: name, namespace: "default" });

function planned(wish: Wish, time: string): string[] {
  return planCronJob({ cronJob: cronJob(wish), jobs: (wish.jobs ?? []).map(job) }, now(time)).map((action) => {
    switch (action.do) {
      case "start":
        return ["start", action.job.metadata.name, ...action.replaces.map(({ metadata }) => `not ${metadata.name}`)]
          .join(" ");
      case "deleteJob":
        return `delete ${action.job.metadata.name}`;
      case "report":
        return `${action.report.reason}: ${action.report.message}`;
      case "wakeAt":
        return `wake ${new Date(action.at).toISOString().slice(11, 21)}`;
      case "updateStatus": {
        const { active = [], lastSuccessfulTime = "-" } = action.status;
        return `status [${active.map(({ name }) => name)}] ${lastSuccessfulTime.slice(11)}`;
      }
    }
  });
}

function check(name: string, table: [why: string, wish: Wish, time: string, expected: string[]][]): void {
  Deno.test(`planCronJob() ${name}`, () => {
    for (const [why, wish, time, expected] of table) assert.deepEqual(planned(wish, time), expected, why);
  });
}

const minutes = now("00:00:00") / 60_000;
const start = (minute: number, ...more: string[]) => ["start", `c-${minutes + minute}`, ...more].join(" ");

check("starts a job at its times", [
  ["before the first", {}, "00:09:59", ["wake 00:10:00.1"]],
  ["at the first", {}, "00:10:00.100", [start(10), "wake 00:20:00.1"]],
  ["once", { status: { lastScheduleTime: at("00:10:00") } }, "00:15:00", ["wake 00:20:00.1"]],
  [
    "once, also when only its name is known",
    {
      status: { active: [refer(`c-${minutes + 10}`)] },
      jobs: [
        `c-${minutes + 10} running`,
      ],
    },
    "00:15:00",
    ["wake 00:20:00.1"],
  ],
  ["of several missed ones only the last", { status: { lastScheduleTime: at("00:10:00") } }, "01:05:00", [
    start(60),
    "wake 01:10:00.1",
  ]],
  ["many missed ones are told", { spec: { schedule: "* * * * *" } }, "03:00:00", [
    "TooManyMissedTimes: too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
    start(180),
    "wake 03:01:00.1",
  ]],
  [
    "an interval counts from the last time",
    {
      spec: { schedule: "@every 45m" },
      status: { lastScheduleTime: at("00:20:00") },
    },
    "00:30:00",
    ["wake 01:05:00.1"],
  ],
  ["not while it is suspended", { spec: { suspend: true } }, "00:10:00", []],
  ["not while it is being deleted", { deleting: true }, "00:10:00", []],
]);

check("starts nothing too late", [
  ["within the deadline", { spec: { startingDeadlineSeconds: 200 } }, "00:12:00", [start(10), "wake 00:20:00.1"]],
  ["the deadline is over", { spec: { startingDeadlineSeconds: 60 } }, "00:12:00", ["wake 00:20:00.1"]],
]);

check("follows its zone", [
  [
    "a quarter to six in Kathmandu is midnight",
    {
      spec: { schedule: "55 5 * * *", timeZone: "Asia/Kathmandu" },
    },
    "00:11:00",
    [start(10), "wake 00:10:00.1"],
  ],
  ["unknown ones are told", { spec: { timeZone: "Mars/Olympus" } }, "00:10:00", [
    'UnknownTimeZone: invalid timeZone: "Mars/Olympus": unknown time zone Mars/Olympus',
  ]],
]);

check("says what is wrong with a schedule", [
  ["no schedule", { spec: { schedule: "x" } }, "00:10:00", [
    'UnparseableSchedule: unparseable schedule: "x" : expected exactly 5 fields, found 1: [x]',
  ]],
  ["never", { spec: { schedule: "0 0 31 2 *" } }, "00:10:00", [
    "InvalidSchedule: invalid schedule: 0 0 31 2 * : time difference between two schedules is less than 1 second",
  ]],
]);

const busy = { status: { active: [refer("a")] }, jobs: ["a running"] };

check("has a policy for jobs that still run", [
  ["Allow", busy, "00:10:00", [start(10), "wake 00:20:00.1"]],
  ["Forbid", { ...busy, spec: { concurrencyPolicy: "Forbid" } }, "00:10:00", [
    "JobAlreadyActive: Not starting job because prior execution is running and concurrency policy is Forbid",
    "wake 00:20:00.1",
  ]],
  ["Replace", { ...busy, spec: { concurrencyPolicy: "Replace" } }, "00:10:00", [
    start(10, "not a"),
    "wake 00:20:00.1",
  ]],
]);

const suspended = { suspend: true };

check("follows its jobs", [
  [
    "ended",
    {
      spec: suspended,
      status: { active: [refer("a"), refer("b")] },
      jobs: [
        "a Complete 00:01:00",
        "b running",
      ],
    },
    "00:05:00",
    ["SawCompletedJob: Saw completed job: a, condition: Complete", "status [b] 00:01:00Z"],
  ],
  ["gone", { spec: suspended, status: { active: [refer("a")] } }, "00:05:00", [
    "MissingJob: Active job went missing: a",
    "status [] ",
  ]],
  ["somebody else's", { spec: suspended, jobs: ["a running"] }, "00:05:00", [
    "UnexpectedJob: Saw a job that the controller did not create or forgot: a",
  ]],
  [
    "the oldest finished ones go",
    {
      spec: { ...suspended, successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0 },
      status: { lastSuccessfulTime: at("00:03:00") },
      jobs: ["a Complete 00:03:00", "b Complete 00:02:00", "c Failed 00:01:00", "d Complete 00:01:00"],
    },
    "00:05:00",
    ["delete d", "delete b", "delete c"],
  ],
]);

Deno.test("planCronJob() gives a job its time, its labels and its owner", () => {
  const spec = { schedule: "0 3 * * *", timeZone: "Europe/Berlin" };
  const [action] = planCronJob({ cronJob: cronJob({ spec }), jobs: [] }, now("02:30:00"));
  assert(action?.do === "start");
  const { metadata } = action.job;
  assert.deepEqual(metadata.annotations, {
    "batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-01-01T03:00:00+01:00",
  });
  assert.deepEqual(metadata.labels, { app: "c" });
  assert.deepEqual(metadata.ownerReferences!.map(({ kind, name, controller }) => [kind, name, controller]), [
    ["CronJob", "c", true],
  ]);
});
