/** What this host is and how much of it is left, from /proc, /etc and its file systems. */
import { statfs } from "node:fs/promises";
import { readText } from "../../lib/seams/files.ts";

/** What does not change while the host runs. */
export interface HostFacts {
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  /** As Kubernetes says it: `amd64`, `arm64`. */
  readonly architecture: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly diskBytes: number;
}

/** What does. */
export interface HostUsage {
  readonly memoryAvailableBytes: number;
  readonly disks: readonly DiskUsage[];
  readonly processes: number;
  readonly processesMax: number;
}

export interface DiskUsage {
  /** `nodefs` holds pods' volumes, `imagefs` the engine's images and containers. */
  readonly name: "nodefs" | "imagefs";
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly totalInodes: number;
  readonly freeInodes: number;
}

export interface HostFiles {
  /** Prefixes, for tests: default the host's own. */
  readonly proc?: string;
  readonly etc?: string;
  readonly sys?: string;
}

const line = async (path: string) => (await readText(path).catch(() => undefined))?.trim() || undefined;

export async function hostFacts(dataDir: string, files: HostFiles = {}): Promise<HostFacts> {
  const { proc = "/proc", etc = "/etc", sys = "/sys" } = files;
  const machineId = await line(`${etc}/machine-id`) ?? "";
  const memory = parseMeminfo(await readText(`${proc}/meminfo`) ?? "");
  return {
    machineId,
    // Virtual machines without firmware tables have none; the machine id identifies them as well.
    systemUuid: await line(`${sys}/class/dmi/id/product_uuid`) ?? machineId,
    bootId: await line(`${proc}/sys/kernel/random/boot_id`) ?? "",
    kernelVersion: await line(`${proc}/sys/kernel/osrelease`) ?? "",
    osImage: osImage(await readText(`${etc}/os-release`) ?? ""),
    architecture: Deno.build.arch === "x86_64" ? "amd64" : Deno.build.arch === "aarch64" ? "arm64" : Deno.build.arch,
    cpus: countCpus(await readText(`${proc}/cpuinfo`) ?? ""),
    memoryBytes: memory.MemTotal ?? 0,
    diskBytes: (await diskUsage("nodefs", dataDir)).totalBytes,
  };
}

export async function hostUsage(paths: { data: string; images: string }, files: HostFiles = {}): Promise<HostUsage> {
  const { proc = "/proc" } = files;
  const memory = parseMeminfo(await readText(`${proc}/meminfo`) ?? "");
  const threads = /\/(\d+)/.exec(await readText(`${proc}/loadavg`) ?? "")?.[1];
  const disks = [await diskUsage("nodefs", paths.data)];
  // The engine's storage may be on a host that this process does not see; then nothing is known of it.
  const images = await diskUsage("imagefs", paths.images).catch(() => undefined);
  return {
    memoryAvailableBytes: memory.MemAvailable ?? memory.MemFree ?? 0,
    disks: images === undefined ? disks : [...disks, images],
    processes: Number(threads ?? 0),
    processesMax: Number(await line(`${proc}/sys/kernel/pid_max`) ?? 0),
  };
}

/** Values in bytes. */
export function parseMeminfo(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const row of text.split("\n")) {
    const match = /^(\w+):\s+(\d+)( kB)?/.exec(row);
    if (match !== null) values[match[1]!] = Number(match[2]) * (match[3] === undefined ? 1 : 1024);
  }
  return values;
}

function osImage(text: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1] ?? "Linux";
  return value.replace(/^["']|["']$/g, "");
}

function countCpus(text: string): number {
  return [...text.matchAll(/^processor\s*:/gm)].length || navigator.hardwareConcurrency;
}

async function diskUsage(name: DiskUsage["name"], path: string): Promise<DiskUsage> {
  const { bsize, blocks, bavail, files, ffree } = await statfs(path);
  return { name, totalBytes: blocks * bsize, availableBytes: bavail * bsize, totalInodes: files, freeInodes: ffree };
}
