import assert from "assert";
import type { PodSpec } from "../../../../lib/types/core_v1.ts";
import { qosClass } from "./qos.ts";

type Resources = { requests?: Record<string, string>; limits?: Record<string, string> };

const spec = (containers: Resources[], more: Partial<PodSpec> = {}): PodSpec => ({
  containers: containers.map((resources, i) => ({ name: `c${i}`, resources })),
  ...more,
});
const both = { cpu: "1", memory: "1Gi" };

Deno.test("qosClass() follows requests and limits of all containers", () => {
  const table: [PodSpec, string][] = [
    [spec([{}]), "BestEffort"],
    [spec([{ requests: { cpu: "0" }, limits: { memory: "0" } }]), "BestEffort"],
    [spec([{ requests: { "nvidia.com/gpu": "1" } }]), "BestEffort"],
    [spec([{ requests: both, limits: both }]), "Guaranteed"],
    [spec([{ requests: { cpu: "1000m", memory: "1024Mi" }, limits: both }]), "Guaranteed"],
    [spec([{ requests: both, limits: both }, {}]), "Burstable"],
    [spec([{ requests: { cpu: "1" } }]), "Burstable"],
    [spec([{ requests: { cpu: "500m", memory: "1Gi" }, limits: both }]), "Burstable"],
    [spec([{ limits: both }]), "Burstable"],
    [spec([{ requests: both, limits: both }], { initContainers: [{ name: "i" }] }), "Burstable"],
    [spec([{}, {}], { resources: { requests: both, limits: both } }), "Guaranteed"],
    [spec([{ requests: both, limits: both }], { resources: { requests: { cpu: "2" } } }), "Burstable"],
    // Ephemeral containers count for nothing.
    [spec([{ requests: both, limits: both }], { ephemeralContainers: [{ name: "debug" }] }), "Guaranteed"],
  ];
  for (const [pod, expected] of table) assert.equal(qosClass(pod), expected, JSON.stringify(pod));
});
