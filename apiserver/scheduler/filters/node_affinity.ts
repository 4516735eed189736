/** NodeAffinity: nodeSelector and required node affinity. */
import { type Filter, refusal } from "../plugin.ts";

const mismatch = refusal("node(s) didn't match Pod's node affinity/selector", { unresolvable: true });

export const nodeAffinity: Filter = {
  name: "NodeAffinity",
  prepare({ requiredNode }) {
    if (requiredNode === undefined) return undefined;
    return (node) => requiredNode(node) ? undefined : mismatch;
  },
};
