/**
 * Podman's ways (4.3 and later), through its Docker-compatible API. Not made good here: a read-only root file system still
 * has writable /tmp, /run and /var/tmp; each exec leaves two small processes for the time of `exit_command_delay` (300 s
 * by default, 1 s where find.ts starts the engine).
 */
import { logRotation, oomAnswersMax } from "../../lib/limits.ts";
import type { Processes } from "../../lib/seams/process.ts";
import type { ContainerState, ResourceUpdate, Ulimit } from "./engine.ts";
import { defined } from "./create_body.ts";
import type { CreateBody, Quirks } from "./quirks.ts";

/** Of quotas, as both engines have it by default. */
const cpuPeriodMicros = 100_000;

export function podmanQuirks(options: { processes: Processes; ulimits?: readonly Ulimit[] }): Quirks {
  const killedForMemory = createOomLookup(options.processes);
  return {
    name: "podman",
    startsDependencies: true,
    ulimits: options.ulimits,

    async createBody(body, spec) {
      const host = { ...body.HostConfig };
      const { maxBytes, maxFiles } = spec.logging ?? logRotation;
      // conmon keeps one file, and begins it anew when it is full.
      host.LogConfig = { Type: "k8s-file", Config: { "max-size": String(maxBytes * maxFiles) } };
      // Naming one ulimit drops the engine's defaults for the others, so the others are named too.
      if (options.ulimits !== undefined) {
        const named = host.Ulimits ?? [];
        const rest = options.ulimits.filter((u) => !named.some((n) => n.Name === u.name));
        host.Ulimits = [...named, ...rest.map(({ name, soft, hard }) => ({ Name: name, Soft: soft, Hard: hard }))];
      }
      const adjusted: CreateBody = { ...body, HostConfig: host };
      // Who joins a host name is refused one of its own.
      if (host.UTSMode !== undefined) delete adjusted.Hostname;
      return adjusted;
    },

    update,

    // It reads whole seconds only.
    since: (ms) => String(Math.floor(ms / 1000)),

    async state(state) {
      if (state.status === "created" && state.startedMs !== undefined) {
        return { ...state, status: "exited", exitCode: 255, lost: true };
      }
      if (state.status === "exited" && state.exitCode === 137 && !state.oomKilled) {
        return { ...state, oomKilled: await killedForMemory(state) };
      }
      return state;
    },

    actions: {
      create: "create",
      start: "start",
      die: "die",
      died: "die",
      oom: "oom",
      pause: "pause",
      unpause: "unpause",
      destroy: "remove",
      remove: "remove",
    },

    errorCode(operation, _status, message) {
      if (
        operation === "remove" && /has dependent containers|cannot remove container .* as it is running/.test(message)
      ) {
        return "conflict";
      }
      if (operation === "create" && /is already in use/.test(message)) return "exists";
      if (/can only (?:create exec sessions|attach to|kill|resize)|container state improper/.test(message)) {
        return "not_running";
      }
      return undefined;
    },
  };
}

/** The Docker-compatible call came with Podman 5; Podman's own, in the words of runtimes, is in all since 4.3. */
function update(id: string, { memoryBytes, nanoCpus, cpuShares }: ResourceUpdate) {
  const memory = memoryBytes === undefined ? undefined : { limit: memoryBytes, swap: memoryBytes };
  const cpu = defined({
    shares: cpuShares,
    quota: nanoCpus === undefined ? undefined : Math.round(nanoCpus / 1e9 * cpuPeriodMicros),
    period: nanoCpus === undefined ? undefined : cpuPeriodMicros,
  });
  return {
    path: `/v4.0.0/libpod/containers/${encodeURIComponent(id)}/update`,
    json: defined({ memory, cpu: Object.keys(cpu).length === 0 ? undefined : cpu }),
  };
}

/**
 * Podman 4.3 never says `OOMKilled` (its issue 13102): all that shows is exit code 137. The kernel's log has the line
 * `oom-kill:…oom_memcg=/…/libpod-<id>…`, so that is looked up, once for each end of a container.
 */
function createOomLookup(processes: Processes): (state: ContainerState) => Promise<boolean> {
  const answers = new Map<string, boolean>();
  return async (state) => {
    const key = `${state.id} ${state.startedMs}`;
    const known = answers.get(key);
    if (known !== undefined) return known;
    const { code, stdout } = await processes.run(["dmesg", "--raw"]);
    // Without the right to read the kernel's log the answer stays "no", which is what Podman says.
    const killed = code === 0 && oomKilled(stdout, state.id);
    answers.set(key, killed);
    if (answers.size > oomAnswersMax) answers.delete(answers.keys().next().value!);
    return killed;
  };
}

/** True when the kernel's log has a memory kill in the container's group. */
export function oomKilled(kernelLog: string, id: string): boolean {
  return kernelLog.split("\n").some((line) => line.includes("oom-kill:") && line.includes(`libpod-${id}`));
}

/**
 * The ulimits that Podman may set where it lacks CAP_SYS_RESOURCE; undefined where it has it, and its own defaults work.
 * Takes the text of /proc/self/limits and /proc/self/status of a process that has the service's rights. Podman gives
 * itself at most 32,768 processes at its start, so that is the most it can pass on.
 */
export function podmanUlimits(limits: string, status: string): Ulimit[] | undefined {
  const capabilities = BigInt(`0x${status.match(/^CapEff:\s*([0-9a-f]+)/m)?.[1] ?? "0"}`);
  const sysResource = 1n << 24n;
  if ((capabilities & sysResource) !== 0n) return undefined;
  const hard = (name: string, max: number) => {
    const value = limits.match(new RegExp(`^${name}\\s+\\S+\\s+(\\S+)`, "m"))?.[1];
    return value === undefined || value === "unlimited" ? max : Math.min(max, Number(value));
  };
  const files = hard("Max open files", 1_048_576);
  const processes = hard("Max processes", 32_768);
  return [{ name: "nofile", soft: files, hard: files }, { name: "nproc", soft: processes, hard: processes }];
}
