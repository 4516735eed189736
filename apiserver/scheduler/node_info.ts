/** A Node as the scheduler computes with it: what it has, and what the pods on it use. Changed by the snapshot only. */
import type { Node, Taint } from "../../lib/types/core_v1.ts";
import type { HostPort, PodInfo } from "./pod_info.ts";
import { allocatable, type Resources } from "./resources.ts";

const anyAddress = "0.0.0.0";

export class NodeInfo {
  node: Node;
  name: string;
  labels: Readonly<Record<string, string>> = {};
  /** NoSchedule and NoExecute. */
  taints: readonly Taint[] = [];
  /** PreferNoSchedule. */
  softTaints: readonly Taint[] = [];
  unschedulable = false;
  allocatable!: Resources & { pods: number };
  /** Image → bytes. */
  images: ReadonlyMap<string, number> = new Map();
  readonly pods = new Map<string, PodInfo>();
  cpu = 0;
  memory = 0;
  ephemeral = 0;
  scoredCpu = 0;
  scoredMemory = 0;
  readonly extended = new Map<string, number>();
  /** `TCP/80` → address → pods. */
  readonly #ports = new Map<string, Map<string, number>>();
  /** Pods with a host port. */
  hasPorts = false;
  /** Pods that are nominated to this Node after preempting others, by uid. */
  readonly nominated = new Map<string, PodInfo>();
  /** Its place in the snapshot's list. */
  index = -1;

  constructor(node: Node) {
    this.node = node;
    this.name = node.metadata.name;
    this.describe(node);
  }

  /** Takes over what a changed Node says. Pods stay. */
  describe(node: Node): void {
    const { metadata, spec, status } = node;
    this.node = node;
    this.labels = metadata.labels ?? {};
    this.taints = (spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
    this.softTaints = (spec.taints ?? []).filter(({ effect }) => effect === "PreferNoSchedule");
    this.unschedulable = spec.unschedulable === true;
    this.allocatable = allocatable(status.allocatable);
    this.images = new Map(
      (status.images ?? []).flatMap(({ names = [], sizeBytes = 0 }) => names.map((name) => [name, sizeBytes])),
    );
  }

  add(info: PodInfo): void {
    this.pods.set(info.uid, info);
    this.#count(info, 1);
  }

  remove(info: PodInfo): void {
    if (this.pods.delete(info.uid)) this.#count(info, -1);
  }

  #count(info: PodInfo, sign: 1 | -1): void {
    const { requests } = info;
    this.cpu += sign * requests.cpu;
    this.memory += sign * requests.memory;
    this.ephemeral += sign * requests.ephemeral;
    this.scoredCpu += sign * info.scoredCpu;
    this.scoredMemory += sign * info.scoredMemory;
    for (const [name, value] of requests.extended ?? []) {
      this.extended.set(name, (this.extended.get(name) ?? 0) + sign * value);
    }
    for (const port of info.ports) this.#countPort(port, sign);
  }

  #countPort({ protocol, port, address }: HostPort, sign: 1 | -1): void {
    const key = `${protocol}/${port}`;
    const addresses = this.#ports.get(key) ?? new Map<string, number>();
    const count = (addresses.get(address) ?? 0) + sign;
    if (count > 0) addresses.set(address, count);
    else addresses.delete(address);
    if (addresses.size > 0) this.#ports.set(key, addresses);
    else this.#ports.delete(key);
    this.hasPorts = this.#ports.size > 0;
  }

  /** A port on all addresses conflicts with the same port on any. */
  portIsTaken({ protocol, port, address }: HostPort): boolean {
    const addresses = this.#ports.get(`${protocol}/${port}`);
    if (addresses === undefined) return false;
    return address === anyAddress || addresses.has(anyAddress) || addresses.has(address);
  }
}
