/** NodeName: a pod that names its Node goes nowhere else. */
import { type Filter, refusal } from "../plugin.ts";

const other = refusal("node(s) didn't match the requested node name", { unresolvable: true });

export const nodeName: Filter = {
  name: "NodeName",
  prepare({ pod }) {
    const wanted = pod.spec.nodeName;
    return wanted ? (node) => node.name === wanted ? undefined : other : undefined;
  },
};
