/** The container engine of a lab host: Podman or Docker, with directories of its own. */
import { systemProcesses } from "../../../lib/seams/process.ts";

export type EngineKind = "podman" | "docker";

/** Is the engine installed on this machine? */
export function engineInstalled(kind: EngineKind): boolean {
  const program = kind === "docker" ? "dockerd" : "podman";
  return (Deno.env.get("PATH") ?? "").split(":").concat("/usr/sbin", "/sbin").some((dir) => {
    try {
      return Deno.statSync(`${dir}/${program}`).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return false;
      throw error;
    }
  });
}

/** The environment in which `podman` and `docker`, typed on a host, mean that host's engine. */
export function engineEnv(dir: string): Record<string, string> {
  return {
    CONTAINERS_CONF: `${dir}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${dir}/storage.conf`,
    DOCKER_HOST: `unix://${dir}/engine.sock`,
  };
}

export async function writeEngineConfig(dir: string): Promise<void> {
  const limit = async (flag: string) => (await systemProcesses.run(["sh", "-c", `ulimit -H${flag}`])).stdout.trim();
  const limits: string[] = [];
  // Without CAP_SYS_RESOURCE Podman's own default limits cannot be set, and no container starts; what we have can always be set.
  for (const [name, value] of [["nofile", await limit("n")], ["nproc", await limit("u")]]) {
    if (/^\d+$/.test(value!)) limits.push(`"${name}=${value}:${value}"`);
  }
  await Deno.writeTextFile(
    `${dir}/containers.conf`,
    `[containers]
default_ulimits = [${limits.join(", ")}]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
exit_command_delay = 5
tmp_dir = "/run/libpod"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "${dir}/disk/podman-networks"
`,
  );
  await Deno.writeTextFile(
    `${dir}/storage.conf`,
    `[storage]\ndriver = "overlay"\ngraphroot = "${dir}/disk/podman"\nrunroot = "/run/containers/storage"\n`,
  );
  await Deno.writeTextFile(`${dir}/daemon.json`, "{}\n");
}

/** What starts the engine on its host. */
export function engineCommand(kind: EngineKind, dir: string): string[] {
  const socket = `unix://${dir}/engine.sock`;
  if (kind === "podman") return ["podman", "system", "service", "--time", "0", socket];
  return [
    "dockerd",
    ...["--config-file", `${dir}/daemon.json`, "--data-root", `${dir}/disk/docker`, "--exec-root", "/run/docker"],
    ...["--pidfile", "/run/docker.pid", "-H", socket, "--group", "0", "--live-restore"],
  ];
}
