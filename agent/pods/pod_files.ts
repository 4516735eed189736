/** The files that the agent gives every container: /etc/hosts, /etc/resolv.conf, /etc/hostname and the termination log. */
import { readText } from "../../lib/seams/files.ts";
import type { Container, Pod } from "../../lib/types/core_v1.ts";
import type { Bind } from "../engine/engine.ts";
import { type AgentDirectories, podDirectory, terminationLog } from "../volumes/directories.ts";
import { hostsFile, kernelHostname } from "./hosts.ts";
import { hostNetwork } from "./pod_spec.ts";
import { parseResolvConf, resolvConf, resolverOf } from "./resolv.ts";

export interface PodFilesOptions {
  readonly directories: AgentDirectories;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The host's own files, for tests: default /etc. */
  readonly etc?: string;
}

const names = ["hosts", "resolv.conf", "hostname"] as const;
export const defaultTerminationPath = "/dev/termination-log";

/**
 * Writes hosts, resolv.conf and hostname, in place: containers hold the files by their inodes. Called again when the address is known.
 * Throws HostnameError.
 */
export async function writePodFiles(pod: Pod, podIPs: readonly string[], options: PodFilesOptions): Promise<void> {
  const { directories, clusterDns, clusterDomain, etc = "/etc" } = options;
  const directory = podDirectory(directories, pod.metadata.uid);
  await Deno.mkdir(directory, { recursive: true, mode: 0o755 });
  const hostFile = hostNetwork(pod) ? await readText(`${etc}/hosts`) ?? "" : "";
  const host = parseResolvConf(await readText(`${etc}/resolv.conf`) ?? "");
  const texts: Record<(typeof names)[number], string> = {
    hosts: hostsFile(pod, { podIPs, clusterDomain, hostFile }),
    "resolv.conf": resolvConf(resolverOf(pod, { host, clusterDns, clusterDomain })),
    hostname: hostNetwork(pod) ? await readText(`${etc}/hostname`) ?? "" : `${kernelHostname(pod, clusterDomain)}\n`,
  };
  for (const name of names) {
    const path = `${directory}/${name}`;
    if (await readText(path) === texts[name]) continue;
    await Deno.writeTextFile(path, texts[name], { mode: 0o644 });
    await Deno.chmod(path, 0o644);
  }
}

/** A container that mounts something of its own there gets that. */
export function fileBinds(pod: Pod, container: Container, { directories }: PodFilesOptions): Bind[] {
  const taken = new Set((container.volumeMounts ?? []).map(({ mountPath }) => mountPath.replace(/\/+$/, "")));
  const directory = podDirectory(directories, pod.metadata.uid);
  return names.filter((name) => !taken.has(`/etc/${name}`))
    // A process that is privileged enough to change the names of a node is not to be stopped by a read-only bind either.
    .map((name) => ({ source: `${directory}/${name}`, target: `/etc/${name}`, readOnly: false }));
}

/** Makes the file for a container's last words, which any user of the container may write, and says how to mount it. */
export async function terminationBind(
  pod: Pod,
  container: Container,
  attempt: number,
  { directories }: PodFilesOptions,
): Promise<Bind | undefined> {
  const target = container.terminationMessagePath ?? defaultTerminationPath;
  if (target === "") return undefined;
  const source = terminationLog(directories, pod.metadata.uid, container.name, attempt);
  await Deno.mkdir(source.slice(0, source.lastIndexOf("/")), { recursive: true, mode: 0o755 });
  await Deno.writeTextFile(source, "", { mode: 0o666 });
  await Deno.chmod(source, 0o666);
  return { source, target, readOnly: false };
}
