import assert from "assert";
import { parseRuntimeConfig } from "../lib/runtime_config.ts";
import { createSecured, someone } from "../tests/harness/secured.ts";

const root = someone("root", "system:masters");
const autoscalers = (version: string) => `/apis/autoscaling/${version}/namespaces/default/horizontalpodautoscalers`;

async function withConfig(config: string, run: (s: Awaited<ReturnType<typeof createSecured>>) => Promise<void>) {
  const s = await createSecured({ runtimeConfig: parseRuntimeConfig(config) });
  try {
    await run(s);
  } finally {
    await s.close();
  }
}

Deno.test("--runtime-config turns groups off: discovery, OpenAPI and requests follow", () =>
  withConfig("api/all=false,networking.k8s.io/v1=true,networking.k8s.io/v1/ingresses=false", async ({ as }) => {
    const { groups } = (await as(root, "GET", "/apis")).body;
    assert.deepEqual(groups.map(({ name }: { name: string }) => name), [
      "certificates.k8s.io",
      "networking.k8s.io",
      "rbac.authorization.k8s.io",
      "scheduling.k8s.io",
      "coordination.k8s.io",
      "discovery.k8s.io",
      "flowcontrol.apiserver.k8s.io",
    ]);
    const { resources } = (await as(root, "GET", "/apis/networking.k8s.io/v1")).body;
    const names = resources.map(({ name }: { name: string }) => name);
    assert.deepEqual([names.includes("networkpolicies"), names.includes("ingresses")], [true, false]);
    const paths = Object.keys((await as(root, "GET", "/openapi/v3")).body.paths);
    assert.deepEqual([paths.includes("apis/networking.k8s.io/v1"), paths.includes("apis/apps/v1")], [true, false]);
    const document = (await as(root, "GET", "/openapi/v3/apis/networking.k8s.io/v1")).text;
    assert(!document.includes("/ingresses"), "OpenAPI does not name it");
    for (
      const path of [
        "/apis/apps/v1",
        "/apis/apps/v1/deployments",
        "/apis/networking.k8s.io/v1/ingresses",
        "/apis/networking.k8s.io/v1/namespaces/default/ingresses/web/status",
        "/apis/authorization.k8s.io/v1",
      ]
    ) assert.equal((await as(root, "GET", path)).status, 404, path);
    const review = { spec: { nonResourceAttributes: { path: "/", verb: "get" } } };
    const reviews = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert.equal((await as(root, "POST", reviews, review)).status, 404);
    assert.equal((await as(root, "GET", "/api/v1/namespaces")).status, 200, "the cluster needs it");
  }));

Deno.test("--runtime-config turns one version of a kind off, and the other has its objects", () =>
  withConfig("autoscaling/v2=false", async ({ as }) => {
    const spec = { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" } };
    const made = await as(root, "POST", autoscalers("v1"), { metadata: { name: "web" }, spec });
    assert.equal(made.status, 201, made.text);
    assert.equal((await as(root, "GET", `${autoscalers("v1")}/web`)).body.spec.targetCPUUtilizationPercentage, 80);
    assert.equal((await as(root, "GET", autoscalers("v2"))).status, 404);
    assert.equal((await as(root, "GET", "/apis/autoscaling")).body.preferredVersion.version, "v1");
  }));

Deno.test("--runtime-config is refused for what there is not, and for what the cluster needs", async () => {
  const table: [config: string, message: string][] = [
    ["nowhere.k8s.io/v1=true", "--runtime-config: unknown api groups nowhere.k8s.io"],
    ["apps/v1beta1=true", "--runtime-config: group version apps/v1beta1 that has not been registered"],
    ["apps/v1/pods=false", "--runtime-config: there is no resource pods in apps/v1"],
    ["v1=false", "--runtime-config: v1=false: the cluster's own components need v1"],
    [
      "coordination.k8s.io/v1/leases=false",
      "--runtime-config: coordination.k8s.io/v1/leases=false: the cluster's own components need coordination.k8s.io/v1",
    ],
  ];
  for (const [config, message] of table) {
    await assert.rejects(() => createSecured({ runtimeConfig: parseRuntimeConfig(config) }), { message }, config);
  }
});
