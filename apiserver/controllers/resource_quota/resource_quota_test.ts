import assert from "assert";
import { amountsOf } from "../../../lib/quota/amounts.ts";
import type { ResourceQuota } from "../../../lib/types/core_v1.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import { check, type Loose } from "../../../tests/harness/controllers.ts";
import { planQuota } from "./controller.ts";

const quota = (status: object = {}) =>
  ({ metadata: {}, spec: { hard: { pods: "5" } }, status }) as unknown as ResourceQuota;

Deno.test("planQuota() reports what has changed, and looks again", () => {
  const used = amountsOf({ pods: "2" });
  const [report, again] = planQuota({ quota: quota(), used }, 0);
  assert.deepEqual(report?.do === "report" && report.quota.status, { hard: { pods: "5" }, used: { pods: "2" } });
  assert.equal(again?.do, "wakeAt");
  const same = quota({ hard: { pods: "5" }, used: { pods: "2" } });
  assert.deepEqual(planQuota({ quota: same, used }, 0).map((action) => action.do), ["wakeAt"]);
  assert.deepEqual(planQuota({ quota: quota(), used: undefined }, 0), []);
});

check("say how much of a quota is used, of kinds that they watch and of others", async (cluster) => {
  const hard = {
    pods: "5",
    "requests.cpu": "2",
    services: "3",
    "count/configmaps": "4",
    "count/none.example.com": "1",
  };
  const metadata = { name: "q", namespace: "default" };
  await cluster.client.create(kinds.ResourceQuota, { metadata, spec: { hard } } as Loose);
  const used = () => cluster.get(kinds.ResourceQuota, "default/q")?.status.used;
  // The Service `kubernetes`, and the ConfigMap of the cluster's certificate.
  await cluster.until("the status", () => used()?.services === "1" && used()?.["count/configmaps"] === "1");
  const containers = [{ name: "c", image: "i", resources: { requests: { cpu: "250m" } } }];
  await cluster.client.create(
    kinds.Pod,
    { metadata: { name: "p", namespace: "default" }, spec: { containers } } as Loose,
  );
  await cluster.client.create(kinds.ConfigMap, { metadata: { name: "c", namespace: "default" } });
  await cluster.until("more", () => used()?.pods === "1" && used()?.["count/configmaps"] === "2");
  assert.deepEqual(used(), {
    pods: "1",
    "requests.cpu": "250m",
    services: "1",
    "count/configmaps": "2",
    "count/none.example.com": "0",
  });
  await cluster.client.delete(kinds.ConfigMap, { name: "c", namespace: "default" });
  await cluster.until("less", () => used()?.["count/configmaps"] === "1");
});
