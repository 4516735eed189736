/** Reads what `/metrics/cadvisor` tells, when it is asked for. */
import { cadvisorReadsMax } from "../../lib/limits.ts";
import { readKernelFile } from "../engine/stats.ts";
import type { HostFacts } from "../node/facts.ts";
import { parseMeminfo } from "../node/facts.ts";
import type { PodUse } from "../node/stats.ts";
import type { HostUse } from "../node/summary.ts";
import { isSandboxAlive, type Observed } from "../pods/observed.ts";
import { hostNetwork } from "../pods/pod_spec.ts";
import type { CadvisorContainer, CadvisorNetwork, CadvisorView } from "./families.ts";
import { deviceOf, parseNetDev, readDetails, type ReadFile } from "./kernel.ts";

export interface LookOptions {
  readonly facts: HostFacts;
  readonly host: HostUse;
  readonly pods: readonly PodUse[];
  /** Newest first. */
  readonly sandboxes: (uid: string) => readonly Observed[];
  readonly paths: { readonly data: string; readonly images: string };
  readonly read?: ReadFile;
}

export async function lookForCadvisor(options: LookOptions): Promise<CadvisorView> {
  const { facts, host, pods, paths, read = readKernelFile } = options;
  const containers = pods.flatMap(({ pod, containers }) => containers.map((use) => ({ pod, use })));
  const mounts = await read("/proc/self/mounts") ?? "";
  const places = { nodefs: paths.data, imagefs: paths.images };
  const fileSystems = host.usage.disks.flatMap((disk) => {
    const device = deviceOf(mounts, places[disk.name]);
    return device === undefined ? [] : [{ device, disk }];
  });
  return {
    facts,
    host,
    meminfo: parseMeminfo(await read("/proc/meminfo") ?? ""),
    hostInterfaces: parseNetDev(await read("/proc/self/net/dev") ?? ""),
    // Both are often the same.
    fileSystems: [...new Map(fileSystems.map((one) => [one.device, one])).values()],
    containers: await inTurns(containers, async (one): Promise<CadvisorContainer> => {
      const details = await readDetails(one.use.container.pid, read);
      return details === undefined ? one : { ...one, details };
    }),
    networks: (await inTurns(pods, (use) => networkOf(use, options, read))).filter((one) => one !== undefined),
  };
}

/** That of a pod on the host's network is the host's. */
async function networkOf(
  { pod }: PodUse,
  { sandboxes }: LookOptions,
  read: ReadFile,
): Promise<CadvisorNetwork | undefined> {
  const sandbox = sandboxes(pod.metadata.uid).find(isSandboxAlive);
  if (hostNetwork(pod) || sandbox === undefined) return undefined;
  const text = await read(`/proc/${sandbox.pid}/net/dev`);
  if (text === undefined) return undefined;
  const details = await readDetails(sandbox.pid, read);
  return {
    pod,
    sandbox,
    interfaces: parseNetDev(text),
    ...(details === undefined ? {} : { cgroup: details.cgroup }),
  };
}

/** In their order, so many at a time. */
async function inTurns<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<U[]> {
  const results: U[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(cadvisorReadsMax, items.length) }, worker));
  return results;
}
