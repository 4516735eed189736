/** Pods and what makes them, through the REST machinery: what each kind declares, met by what rest/ makes of it. */
import assert from "assert";
import { resources } from "../../apiserver/registry/mod.ts";
import { cronJob } from "../../apiserver/registry/batch/cron_job.ts";
import { job } from "../../apiserver/registry/batch/job.ts";
import { daemonSet } from "../../apiserver/registry/apps/daemon_set.ts";
import { statefulSet } from "../../apiserver/registry/apps/stateful_set.ts";
import type { Resource } from "../../apiserver/rest/resource.ts";
import { createFixture, type Fixture } from "../harness/rest.ts";

const more = [cronJob, job, daemonSet, statefulSet] as unknown as Resource[];
const all = [...resources.filter(({ kind }) => !more.some((resource) => resource.kind === kind)), ...more];

const pods = "/api/v1/namespaces/d/pods";
const pod = (name: string, spec: Record<string, unknown> = {}) => ({
  metadata: { name, labels: { app: "web" } },
  spec: { containers: [{ name: "a", image: "nginx:1" }], ...spec },
});
const template = (restartPolicy: string) => ({
  metadata: { labels: { app: "web" } },
  spec: { restartPolicy, containers: [{ name: "a", image: "nginx:1" }] },
});
const merge = { "content-type": "application/merge-patch+json" };

async function withApi(run: (api: Fixture) => Promise<void>): Promise<void> {
  const api = await createFixture({ resources: all });
  try {
    await api.send("POST", "/api/v1/namespaces", { metadata: { name: "d" } });
    await run(api);
  } finally {
    await api.close();
  }
}

Deno.test("a pod is created, bound, run, debugged and ended", () =>
  withApi(async ({ send }) => {
    const made = await send("POST", pods, pod("web"));
    assert.equal(made.status, 201, made.text);
    assert.deepEqual(made.body.status, { phase: "Pending", qosClass: "BestEffort" });
    const target = { metadata: { name: "web" }, target: { kind: "Node", name: "n1" } };
    const bound = await send("POST", `${pods}/web/binding`, target);
    assert.equal(bound.body.status, "Success", bound.text);
    const again = await send("POST", `${pods}/web/binding`, target);
    assert.equal(again.status, 409);
    assert.equal(
      again.body.message,
      'Operation cannot be fulfilled on pods/binding "web": pod web is already assigned to node "n1"',
    );
    const status = { status: { phase: "Running", podIP: "10.1.0.5" } };
    const running = await send("PATCH", `${pods}/web/status`, status, merge);
    assert.deepEqual(running.body.status.podIPs, [{ ip: "10.1.0.5" }], running.text);
    assert.equal(running.body.metadata.generation, 1);
    const selected = await send("GET", `${pods}?fieldSelector=spec.nodeName=n1,status.podIP=10.1.0.5`);
    assert.equal(selected.body.items.length, 1);
    const moved = await send("PATCH", `${pods}/web`, { spec: { nodeName: "n2" } }, merge);
    assert.equal(moved.status, 422);
    assert.match(moved.body.message, /^Pod "web" is invalid: spec: Forbidden: pod updates may not change fields/);
    const upgraded = await send("PATCH", `${pods}/web`, {
      spec: { containers: [{ ...running.body.spec.containers[0], image: "nginx:2" }] },
    }, merge);
    assert.equal(upgraded.body.metadata.generation, 2, upgraded.text);
    const debug = { spec: { ephemeralContainers: [{ name: "debug", image: "busybox" }] } };
    const debugged = await send("PATCH", `${pods}/web/ephemeralcontainers`, debug, merge);
    assert.equal(debugged.status, 200, debugged.text);
    assert.equal(debugged.body.metadata.generation, 3);
    assert.equal(debugged.body.spec.ephemeralContainers[0].imagePullPolicy, "Always");
    const ended = await send("DELETE", `${pods}/web`);
    assert.equal(ended.body.metadata.deletionGracePeriodSeconds, 30);
    assert.equal((await send("DELETE", `${pods}/web?gracePeriodSeconds=0`)).status, 200);
    assert.equal((await send("GET", `${pods}/web`)).status, 404);
  }));

Deno.test("a pod's streams and its port are found by name", () =>
  withApi(async ({ send, rest }) => {
    await send("POST", pods, pod("web", { nodeName: "n1" }));
    await send("PATCH", `${pods}/web/status`, { status: { podIP: "10.1.0.5" } }, merge);
    const { parseRequestInfo } = await import("../../apiserver/rest/request_info.ts");
    const locate = async (path: string) => {
      const url = new URL(`${pods}/${path}`, "http://apiserver");
      const requestInfo = parseRequestInfo("GET", url);
      return await rest.locate(new Request(url), { user: { name: "tester", groups: [] }, requestInfo });
    };
    assert.deepEqual(await locate("web/log?tailLines=3"), {
      to: "node",
      node: "n1",
      path: "/containerLogs/d/web/a?tailLines=3",
    });
    assert.deepEqual(await locate("http:web:8080/proxy/a/b?x=1"), {
      to: "address",
      host: "10.1.0.5",
      port: 8080,
      scheme: "http",
      path: "/a/b?x=1",
    });
    await assert.rejects(() => locate("other:8080/proxy/"), /pods "other" not found/);
  }));

Deno.test("workloads are accepted as people write them, and shown in tables", () =>
  withApi(async ({ send }) => {
    const selector = { matchLabels: { app: "web" } };
    const lasting = { selector, template: template("Always") };
    const table: [path: string, spec: unknown, cells: unknown[]][] = [
      ["/apis/apps/v1/namespaces/d/deployments", lasting, ["web", "0/1", 0, 0, "0s", "a", "nginx:1", "app=web"]],
      ["/apis/apps/v1/namespaces/d/replicasets", lasting, ["web", 1, 0, 0, "0s", "a", "nginx:1", "app=web"]],
      ["/apis/apps/v1/namespaces/d/statefulsets", lasting, ["web", "0/1", "0s", "a", "nginx:1"]],
      [
        "/apis/apps/v1/namespaces/d/daemonsets",
        lasting,
        ["web", 0, 0, 0, 0, 0, "<none>", "0s", "a", "nginx:1", "app=web"],
      ],
      [
        "/api/v1/namespaces/d/replicationcontrollers",
        { template: template("Always") },
        ["web", 1, 0, 0, "0s", "a", "nginx:1", "app=web"],
      ],
      [
        "/apis/batch/v1/namespaces/d/cronjobs",
        { schedule: "@daily", jobTemplate: { spec: { template: template("Never") } } },
        ["web", "@daily", "<none>", "False", 0, "<none>", "0s", "a", "nginx:1", "<none>"],
      ],
    ];
    const accept = { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" };
    for (const [path, spec, cells] of table) {
      const made = await send("POST", path, { metadata: { name: "web" }, spec });
      assert.equal(made.status, 201, made.text);
      const shown = await send("GET", `${path}/web`, undefined, accept);
      assert.deepEqual(shown.body.rows[0].cells, cells, path);
    }
    const jobs = "/apis/batch/v1/namespaces/d/jobs";
    const made = await send("POST", jobs, { metadata: { name: "once" }, spec: { template: template("Never") } });
    assert.equal(made.status, 201, made.text);
    const { uid } = made.body.metadata;
    assert.deepEqual(made.body.spec.selector, { matchLabels: { "batch.kubernetes.io/controller-uid": uid } });
    const scaled = await send(
      "PATCH",
      "/apis/apps/v1/namespaces/d/deployments/web/scale",
      { spec: { replicas: 3 } },
      merge,
    );
    assert.deepEqual(scaled.body.spec, { replicas: 3 });
    assert.equal(scaled.body.status.selector, "app=web");
  }));
