/**
 * Names of what the pod network makes on a host. All carry the cluster's hash, so that several instances on one machine do
 * not meet, and fit into the kernel's 15 bytes for a link.
 */
import { createHash } from "node:crypto";

export interface NetworkNames {
  /** VXLAN device to the other nodes. */
  readonly vxlan: string;
  /** What the host's ends of all pod links begin with. */
  readonly podLinkPrefix: string;
  readonly table: string;
  /** Mark of ours on firewall rules in others' tables. */
  readonly comment: string;
  /** VXLAN network identifier: the same on all nodes of a cluster, 24 bits. */
  readonly vni: number;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

export function networkNames(clusterId: string): NetworkNames {
  const digest = hash(clusterId);
  const short = digest.slice(0, 6);
  return {
    vxlan: `sx-${short}`,
    podLinkPrefix: `sp${digest.slice(0, 4)}`,
    table: `sauropod-${short}-net`,
    comment: `sauropod-${short}`,
    // 0 is not used by convention.
    vni: parseInt(digest.slice(8, 14), 16) || 1,
  };
}

/** The host's end of a pod's link. 36 bits of the uid: two of 1,000 pods meet once in 130,000 nodes. */
export function podLink(names: NetworkNames, uid: string): string {
  return `${names.podLinkPrefix}${hash(uid).slice(0, 9)}`;
}

/** The hardware address of a node's VXLAN device, which the others derive from its pod CIDR instead of asking for it. */
export function vxlanMac(podCidrBase: number): string {
  const bytes = [24, 16, 8, 0].map((shift) => (podCidrBase >>> shift) & 255);
  return ["5a", "50", ...bytes.map((byte) => byte.toString(16).padStart(2, "0"))].join(":");
}
