/**
 * What protects a server that `start` started, with exactly the permissions that it gives: flow control as objects of the API, an audit log
 * in a place of its own, metrics, and an orderly end.
 */
import assert from "assert";
import { noRedis } from "../../apiserver/storage/test_redis.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import { FlowSchema, PriorityLevelConfiguration, Secret } from "../../lib/types/kinds.ts";
import { startServer } from "../bench/server.ts";
import { until } from "../harness/lab/host.ts";

const root = new URL("../../", import.meta.url).pathname;

const policy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  resources: [{group: "", resources: [secrets]}]
- level: RequestResponse
  userGroups: ["system:masters"]
  verbs: [create, patch, watch]
  resources: [{group: "", resources: [configmaps]}]
`;

/** Of Kubernetes' dashboards, and of its own rules for alerts. */
const names = [
  ...["apiserver_request_total", "apiserver_request_duration_seconds_bucket", "apiserver_current_inflight_requests"],
  ...[
    "apiserver_request_sli_duration_seconds_bucket",
    "apiserver_longrunning_requests",
    "apiserver_response_sizes_sum",
  ],
  ...["apiserver_watch_events_total", "apiserver_storage_objects", "apiserver_storage_size_bytes"],
  ...["apiserver_audit_event_total", "apiserver_flowcontrol_dispatched_requests_total"],
  ...["apiserver_flowcontrol_nominal_limit_seats", "apiserver_flowcontrol_request_wait_duration_seconds_bucket"],
  ...["workqueue_depth", "workqueue_adds_total", "workqueue_queue_duration_seconds_bucket", "workqueue_retries_total"],
  ...["scheduler_pending_pods", "scheduler_schedule_attempts_total", "etcd_request_duration_seconds_bucket"],
  ...["process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"],
  "kubernetes_build_info",
];

// deno-lint-ignore no-explicit-any -- events as others read them
type Event = any;

async function events(path: string): Promise<Event[]> {
  return (await Deno.readTextFile(path)).split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

Deno.test({
  name: "a server that was started with an audit policy writes down who did what, and ends in good order",
  ignore: noRedis !== undefined,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "sauropod-audit-" });
    try {
      await Deno.writeTextFile(`${dir}/policy.yaml`, policy);
      const log = `${dir}/logs/audit.log`;
      const flags = ["--audit-policy-file", `${dir}/policy.yaml`, "--audit-log-path", log];
      const server = await startServer(["--roles", "server", ...flags]);
      let stopped = false;
      try {
        const { client } = server;
        const meta = { name: "a", namespace: "default" };
        await client.create(Secret, { metadata: meta, stringData: { password: "not to be seen" } });
        const watching = await client.raw("GET", "/api/v1/namespaces/default/configmaps?watch=true");
        const text = watching.text();
        await client.raw("POST", "/api/v1/namespaces/default/configmaps", { metadata: { name: "b" } });
        const dangling = (status: string) => async () => {
          const { items } = await client.list(FlowSchema);
          return items.length === 13 && items.every(({ status: { conditions } }) => conditions?.[0]?.status === status);
        };
        await until(20_000, dangling("False"), "each schema says that its level exists");
        assert.equal((await client.list(PriorityLevelConfiguration)).items.length, 8);
        const ready = await (await client.raw("GET", "/readyz?verbose")).text();
        assert.match(ready, /^\[\+\]ping ok\n[^]*\[\+\]etcd ok\n[^]*\[\+\]shutdown ok\nreadyz check passed\n$/);
        const metrics = await (await client.raw("GET", "/metrics")).text();
        for (const name of names) assert.match(metrics, new RegExp(`^${name}[{ ]`, "m"), name);
        stopped = true;
        await server[Symbol.asyncDispose]();
        assert.match(await text, /"name":"b"/, "the watch was not cut off");
      } finally {
        if (!stopped) await server[Symbol.asyncDispose]();
      }
      const written = await events(log);
      const secret = written.find(({ objectRef, verb }) => objectRef.name === "a" && verb === "create");
      assert.equal(secret.objectRef.resource, "secrets");
      assert.equal(secret.user.username, "admin");
      assert.deepEqual(secret.sourceIPs, ["127.0.0.1"]);
      assert.ok(!JSON.stringify(written).includes("not to be seen"));
      const watch = written.filter(({ verb, objectRef }) => verb === "watch" && objectRef.namespace === "default");
      assert.deepEqual(watch.map(({ stage }) => stage), ["ResponseStarted", "ResponseComplete"]);
      const created = written.find(({ objectRef, verb }) => objectRef.name === "b" && verb === "create");
      assert.equal(created.responseObject.metadata.name, "b");
      assert.equal((await Deno.stat(log)).mode! & 0o777, 0o600);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test({
  name: "a server does not start with a policy that it can't read, and says what is wrong with it",
  ignore: noRedis !== undefined,
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "sauropod-audit-" });
    try {
      const path = `${dir}/policy.yaml`;
      await Deno.writeTextFile(path, policy.replace("Metadata", "Everything"));
      const { code, stderr } = await systemProcesses.run([
        ...[Deno.execPath(), "run", "--allow-all", "--quiet", "--no-check", `${root}apiserver/main.ts`],
        ...[`--data-dir=${dir}/data`, "--bind-address=127.0.0.1", "--port=1", `--audit-policy-file=${path}`],
      ]);
      assert.equal(code, 2);
      assert.match(stderr, /^--audit-policy-file \S+policy\.yaml: rules\[0\]\.level: Unsupported value: "Everything"/m);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
