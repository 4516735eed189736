/**
 * The pods' network on one host: what the agent asks of it. kernel_network.ts does it with ip and nft; tests of others
 * may use a fake of this shape.
 *
 * A pod's infra container starts with network mode `none`; attach() then gives its network namespace an `eth0`, an
 * address of the node's pod CIDR and a default route. Left out: IPv6, bandwidth limits, NetworkPolicy and Services
 * (proxy/ does those).
 */

export interface HostPort {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly hostPort: number;
  readonly containerPort: number;
  /** Absent, empty or `0.0.0.0`: all addresses of the host. */
  readonly hostIP?: string;
}

export interface PodAttachment {
  readonly uid: string;
  /** A process in the pod's network namespace, by its id on the host: that of the infra container. */
  readonly pid: number;
  readonly hostPorts?: readonly HostPort[];
}

/**
 * How pods' packets travel between nodes. `auto`: directly between nodes of one network, in VXLAN otherwise. `vxlan`: always in VXLAN, for
 * networks that drop addresses that they did not give (clouds that check sources). `direct`: never; routers in between know the pods' ranges.
 */
export type PodNetworkMode = "auto" | "direct" | "vxlan";
export const podNetworkModes: readonly PodNetworkMode[] = ["auto", "direct", "vxlan"];

/** What a node tells the others of its place in the network, so that both ends of a pair choose the same way. */
export interface NetworkPlace {
  readonly mode: PodNetworkMode;
  /** The network that the node's address is on, when there can be neighbours on it. */
  readonly subnet?: string;
  /** Largest packet of its pods, bytes. */
  readonly mtu: number;
}

/** Another node, to which pod traffic is routed. What it does not say of its place is taken as this node's own. */
export interface NetworkPeer extends Partial<NetworkPlace> {
  readonly name: string;
  /** `10.244.2.0/24`, within the cluster's range, no other's. */
  readonly podCidr: string;
  readonly nodeIp: string;
}

export interface ReconcileReport {
  /** Pods that should be attached and are not (any more): their sandbox has to be made anew. */
  readonly lost: readonly string[];
  /** Links and leases of pods that are no more, which were removed. */
  readonly removed: readonly string[];
  /** Parts of the node's own setup that had gone and were put back. */
  readonly repaired: readonly string[];
}

/** Typed failure of the pod network. `message` says what, where and what to do. */
export class NetworkError extends Error {
  override name = "NetworkError";
  constructor(
    readonly code: "no_address" | "bad_config" | "pod_gone" | "command",
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface PodNetwork {
  /**
   * Node level: bridge, forwarding, firewall, nft table. Idempotent; needed once before attach(), and again with another
   * pod CIDR only when no pod is attached (`bad_config` otherwise).
   */
  setup(options: { podCidr: string }): Promise<void>;
  /** Gives the pod its address, the same one when it is asked again. The infra container must run. */
  attach(pod: PodAttachment): Promise<{ ip: string }>;
  /** Takes address, link and host ports away. A no-op when there are none. */
  detach(uid: string): Promise<void>;
  /** The address that the pod has, from the leases: no command is run. */
  addressOf(uid: string): string | undefined;
  /** Makes the host agree with the pods that live: removes what is left of others, repairs the node's setup. */
  reconcile(live: readonly PodAttachment[]): Promise<ReconcileReport>;
  /**
   * Routes to the other nodes' pods. All of them each time; until the first time what an earlier run left is kept. Throws NetworkError
   * `command` when one can't be reached, after the others have got their routes.
   */
  setPeers(peers: readonly NetworkPeer[]): Promise<void>;
  /** The node's own setup, the ways to peers included, put right where something is missing. Says what was. */
  verify(): Promise<readonly string[]>;
  /** What to tell the other nodes; undefined before setup(). */
  place(): NetworkPlace | undefined;
  /** Removes everything that was made, and sets back what was changed. */
  teardown(): Promise<void>;
}
