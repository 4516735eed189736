import assert from "assert";
import { created, createErrors, defaulted, header, isIdempotent, now, row } from "../meta/kind_scene.ts";
import { cronJob } from "./cron_job.ts";

// deno-lint-ignore no-explicit-any -- specs that are wrong on purpose
type Any = any;

const jobSpec = (more: Any = {}) => ({
  template: { spec: { containers: [{ name: "a", image: "busybox:1" }], restartPolicy: "Never" } },
  ...more,
});
const valid = (more: Any = {}) => ({ spec: { schedule: "*/5 * * * *", jobTemplate: { spec: jobSpec() }, ...more } });

Deno.test("a cron job has Kubernetes' defaults, its jobs get theirs when they are made", () => {
  const { jobTemplate, ...spec } = defaulted(cronJob, valid()).spec;
  assert.deepEqual(spec, {
    schedule: "*/5 * * * *",
    concurrencyPolicy: "Allow",
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
  });
  assert.deepEqual(Object.keys(jobTemplate.spec!), ["template"]);
  assert.equal(jobTemplate.spec!.template.spec.dnsPolicy, "ClusterFirst");
  for (const given of [{}, valid()]) assert.ok(isIdempotent(cronJob, given));
});

Deno.test("cron jobs are validated as in Kubernetes", () => {
  const template = "spec.jobTemplate.spec";
  const table: [Any, string[]][] = [
    [{}, []],
    [{ schedule: "@hourly", timeZone: "Europe/Berlin", startingDeadlineSeconds: 0 }, []],
    [{ schedule: "" }, ["spec.schedule: Required value"]],
    [{ schedule: "* * *" }, [
      'spec.schedule: Invalid value: "* * *": expected exactly 5 fields, found 3: [* * *]',
    ]],
    [{ schedule: "TZ=UTC 0 * * * *" }, [
      'spec.schedule: Invalid value: "TZ=UTC 0 * * * *": cannot use TZ or CRON_TZ in schedule, use timeZone field instead',
    ]],
    [{ timeZone: "" }, ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [{ timeZone: "Mars/Olympus" }, ['spec.timeZone: Invalid value: "Mars/Olympus": unknown time zone Mars/Olympus']],
    [{ timeZone: "+01" }, ['spec.timeZone: Invalid value: "+01": unknown time zone +01']],
    [{ timeZone: "../etc" }, ['spec.timeZone: Invalid value: "../etc": unknown time zone ../etc']],
    [{ timeZone: "Local" }, [
      'spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones',
    ]],
    [{ concurrencyPolicy: "Maybe" }, [
      'spec.concurrencyPolicy: Unsupported value: "Maybe": supported values: "Allow", "Forbid", "Replace"',
    ]],
    [{ startingDeadlineSeconds: -1, failedJobsHistoryLimit: -1 }, [
      "spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0",
      "spec.failedJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
    ]],
    [{ jobTemplate: { spec: jobSpec({ backoffLimit: -1, selector: {}, manualSelector: true }) } }, [
      `${template}.backoffLimit: Invalid value: -1: must be greater than or equal to 0`,
      `${template}.selector: Invalid value: {}: \`selector\` will be auto-generated`,
      `${template}.manualSelector: Unsupported value: true: supported values: "nil", "false"`,
    ]],
  ];
  for (const [more, expected] of table) {
    assert.deepEqual(createErrors(cronJob, valid(more)), expected, JSON.stringify(more));
  }
});

Deno.test("a new cron job's name leaves room for those of its jobs", () => {
  const name = (length: number) => ({ ...valid(), metadata: { name: "x".repeat(length) } });
  assert.deepEqual(createErrors(cronJob, name(52)), []);
  const long = "x".repeat(53);
  assert.deepEqual(createErrors(cronJob, name(53)), [
    `metadata.name: Invalid value: "${long}": must be no more than 52 bytes`,
  ]);
});

Deno.test("cron jobs are shown as by kubectl get -o wide", () => {
  assert.equal(
    header(cronJob),
    "Name, Schedule, Timezone, Suspend, Active, Last Schedule, Age, Containers*, Images*, Selector*",
  );
  const object = created(cronJob, valid());
  assert.equal(row(cronJob, object), "web */5 * * * * <none> False 0 <none> 0s | a busybox:1 <none>");
  const zoned = created(cronJob, valid({ timeZone: "UTC", suspend: true }));
  zoned.status = { active: [{}], lastScheduleTime: new Date(now - 120_000).toISOString() };
  assert.equal(row(cronJob, zoned), "web */5 * * * * UTC True 1 2m 0s | a busybox:1 <none>");
});
