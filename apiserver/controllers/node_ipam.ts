/** A range of pod addresses for every Node, no two of them overlapping (pkg/controller/nodeipam, RangeAllocator). */
import { nodeRangeBits } from "../../lib/limits.ts";
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import type { Node } from "../../lib/types/core_v1.ts";
import { Node as NodeKind } from "../../lib/types/kinds.ts";
import { filtered } from "./changes.ts";
import { overlaps, parseRange, type Range, rangeText, subnetAt } from "./cidr.ts";
import type { Parts } from "./parts.ts";

export interface NodeIpamView {
  nodes: readonly Node[];
  clusterCidr: string;
}

export type NodeIpamAction =
  | { do: "assign"; node: Node; podCIDR: string; why: string }
  | { do: "exhausted"; node: Node; why: string };

/** All Nodes at once, so that no two plans can give the same range away. Nodes get theirs in the order of their names. */
export function planNodeIpam({ nodes, clusterCidr }: NodeIpamView, _now: Instant): readonly NodeIpamAction[] {
  const cluster = parseRange(clusterCidr);
  const bits = Math.max(nodeRangeBits, cluster.bits);
  const taken = nodes.flatMap((node) => rangesOf(node));
  const waiting = nodes.filter((node) => !node.spec.podCIDR && node.metadata.deletionTimestamp === undefined)
    .sort((a, b) => a.metadata.name < b.metadata.name ? -1 : 1);
  let index = 0;
  return waiting.map((node): NodeIpamAction => {
    for (let range = subnetAt(cluster, bits, index); range !== undefined; range = subnetAt(cluster, bits, ++index)) {
      if (taken.some((other) => overlaps(other, range!))) continue;
      index++;
      return { do: "assign", node, podCIDR: rangeText(range), why: "it has no pod addresses" };
    }
    return { do: "exhausted", node, why: `all of ${clusterCidr} is given away` };
  });
}

/** The IPv4 ranges that a Node has. What is of another kind, or is none, can't overlap ours. */
function rangesOf({ spec }: Node): Range[] {
  const texts = spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []);
  return texts.filter((text) => /^[\d.]+\/\d+$/.test(text)).map(parseRange);
}

export function nodeIpamController({ informers, config, recorder }: Parts): Controller<NodeIpamView, NodeIpamAction> {
  // A Node's range comes free with the Node, and is looked for when it has none.
  const relevant = filtered(informers.nodes, ({ now }) => !now?.spec.podCIDR);
  return {
    name: "node-ipam-controller",
    sources: [source(relevant, () => ["cluster"])],
    workers: 1,
    view: () => ({ nodes: [...informers.nodes.list()], clusterCidr: config.clusterCidr }),
    plan: planNodeIpam,
    async execute(action, client) {
      if (action.do === "exhausted") {
        recorder.event(
          action.node,
          "Normal",
          "CIDRNotAvailable",
          `Node ${action.node.metadata.name} status is now: CIDRNotAvailable`,
        );
        return;
      }
      const { podCIDR } = action;
      // With the revision that the plan saw: the Node may have brought its own range meanwhile.
      const metadata = { resourceVersion: action.node.metadata.resourceVersion };
      const patch = { metadata, spec: { podCIDR, podCIDRs: [podCIDR] } };
      await client.patch(NodeKind, action.node.metadata, { type: "merge", patch });
    },
  };
}
