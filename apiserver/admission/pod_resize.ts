/** A resize that the pod's node could never grant is refused at once (plugin/pkg/admission/podresize). */
import type { KubeObject } from "../../lib/kind.ts";
import { bytes, compareQuantities, milli } from "../../lib/quantity.ts";
import { podTotal } from "../../lib/quota/pod_resources.ts";
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import { forbidden, isPodResize } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

export const podResizeValidator: AdmissionPlugin = {
  name: "PodResizeValidator",
  async validate(attributes: Attributes, lookup: Lookup) {
    if (!isPodResize(attributes) || attributes.object === undefined) return;
    const pod = attributes.object as unknown as Pod;
    // A generation that stays says that nothing else is asked for.
    if (!pod.spec.nodeName || attributes.old?.metadata.generation === pod.metadata.generation) return;
    const node = await nodeOf(pod.spec.nodeName, lookup);
    const named = JSON.stringify(pod.spec.nodeName);
    if (node === undefined) throw forbidden(attributes, `node ${named} not found`);
    const os = node.metadata.labels?.["kubernetes.io/os"] ?? "linux";
    if (os !== "linux") {
      const why = `pod resize is only supported on linux nodes, node ${named} is ${JSON.stringify(os)}`;
      throw forbidden(attributes, why, { causes: [{ reason: "UnsupportedPlatform" }] });
    }
    const much = tooMuch(pod, node);
    if (much.length === 0) return;
    const why = `node didn't have enough allocatable resources: ${much.join("; ")}`;
    throw forbidden(attributes, why, { causes: [{ reason: "NodeCapacity" }] });
  },
};

async function nodeOf(name: string, lookup: Lookup): Promise<Node | undefined> {
  const found = lookup.get<Node & KubeObject>("nodes", name);
  if (found !== undefined) return found;
  await lookup.fresh();
  return lookup.get<Node & KubeObject>("nodes", name);
}

function tooMuch({ spec }: Pod, { status }: Node): string[] {
  const requests = podTotal(spec, "requests");
  return (["cpu", "memory"] as const).flatMap((name) => {
    const [requested, allocatable] = [requests.get(name), status?.allocatable?.[name] ?? "0"];
    if (requested === undefined || compareQuantities(requested, allocatable) <= 0) return [];
    const amount = name === "cpu" ? milli : bytes;
    return [`${name}, requested: ${amount(requested)}, allocatable: ${amount(allocatable)}`];
  });
}
