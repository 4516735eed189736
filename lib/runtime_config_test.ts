import assert from "assert";
import { isOn, parseRuntimeConfig } from "./runtime_config.ts";

Deno.test("parseRuntimeConfig() reads keys and values, and says what is none", () => {
  const table: [text: string, expected: Record<string, boolean> | RegExp][] = [
    ["", {}],
    ["api/all=false,apps/v1=true", { "api/all": false, "apps/v1": true }],
    ["api/all,apps/v1=", { "api/all": true, "apps/v1": true }],
    ["api/v1=true,v1/pods=true", { v1: true, "v1/pods": true }],
    ["batch/v1/cronjobs=false", { "batch/v1/cronjobs": false }],
    ["networking.k8s.io/v1=false", { "networking.k8s.io/v1": false }],
    ["apps=false", /^invalid key apps: give api\/all, api\/ga, api\/beta, api\/alpha, group\/version or/],
    ["apps/v1/deployments/scale=false", /^invalid key apps\/v1\/deployments\/scale: /],
    ["apps/v1=no", /^invalid value of apps\/v1: no is neither true nor false$/],
    ["api/all=false", /^invalid key with only api\/all=false$/],
  ];
  for (const [text, expected] of table) {
    if (expected instanceof RegExp) assert.throws(() => parseRuntimeConfig(text), { message: expected }, text);
    else assert.deepEqual(Object.fromEntries(parseRuntimeConfig(text)), expected, text);
  }
});

Deno.test("isOn() lets what is named more closely outdo the rest", () => {
  const table: [config: string, place: string, on: boolean][] = [
    ["", "apps/v1/deployments", true],
    ["apps/v1=false", "apps/v1/deployments", false],
    ["apps/v1=false", "batch/v1/jobs", true],
    ["apps/v1=false,apps/v1/deployments=true", "apps/v1/deployments", true],
    ["apps/v1/deployments=false", "apps/v1/replicasets", true],
    ["api/all=false,apps/v1=true", "apps/v1/deployments", true],
    ["api/all=false,apps/v1=true", "batch/v1/jobs", false],
    ["api/all=false,api/ga=true", "batch/v1/jobs", true],
    ["api/all=false,api/ga=true", "metrics.k8s.io/v1beta1/nodes", false],
    ["api/beta=false", "metrics.k8s.io/v1beta1/nodes", false],
    ["api/beta=false", "autoscaling/v2/horizontalpodautoscalers", true],
    ["api/alpha=true,api/ga=false", "autoscaling/v2/horizontalpodautoscalers", false],
  ];
  for (const [config, place, on] of table) {
    const [group, version, plural] = place.split("/") as [string, string, string];
    assert.equal(isOn({ group, version, plural }, parseRuntimeConfig(config)), on, `${config}: ${place}`);
  }
});
