/** A pod has the zone and the region of its node as labels, so that it can read them of itself (plugin/pkg/admission/podtopologylabels). */
import type { Node, Pod } from "../../lib/types/core_v1.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const copied = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];

export const podTopologyLabels: AdmissionPlugin = {
  name: "PodTopologyLabels",
  mutate({ resource, subresource, operation, object }: Attributes, lookup: Lookup) {
    if (resource.group !== "" || resource.plural !== "pods" || object === undefined) return;
    const getsNode = subresource === "binding" || (subresource === undefined && operation === "CREATE");
    const { spec, metadata } = object as unknown as Pod;
    if (!getsNode || !spec?.nodeName) return;
    const labels = lookup.get<Node>("nodes", spec.nodeName)?.metadata.labels ?? {};
    for (const key of copied) {
      if (Object.hasOwn(labels, key)) metadata.labels = { [key]: labels[key]!, ...metadata.labels };
    }
  },
};
