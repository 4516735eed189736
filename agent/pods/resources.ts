/** Requests and limits as the engine enforces them (kubelet: pkg/kubelet/cm/helpers_linux.go, qos/policy.go). Pure. */
import { bytes, milli } from "../../lib/quantity.ts";
import type { Container, Pod } from "../../lib/types/core_v1.ts";
import type { Resources } from "../engine/engine.ts";
import { ConfigError } from "./env.ts";
import { qosClass } from "./qos.ts";

const sharesMin = 2;
const sharesMax = 262_144;
/** The kernel's smallest quota is 1 ms in 100 ms: a hundredth of a CPU. */
const milliCpuLimitMin = 10;

/** Throws ConfigError for resources that this agent cannot give (devices, huge pages). */
export function engineResources({ resources }: Container): Resources {
  const { requests = {}, limits = {} } = resources ?? {};
  for (const name of Object.keys(limits)) {
    if (name !== "cpu" && name !== "memory" && name !== "ephemeral-storage") {
      throw new ConfigError(`resource ${JSON.stringify(name)} is not offered by this node`);
    }
  }
  const cpuLimit = limits.cpu === undefined ? 0 : milli(limits.cpu);
  const cpuRequest = requests.cpu === undefined ? cpuLimit : milli(requests.cpu);
  const memory = limits.memory === undefined ? 0 : bytes(limits.memory);
  return {
    cpuShares: Math.min(sharesMax, Math.max(sharesMin, Math.floor(cpuRequest * 1024 / 1000))),
    ...(cpuLimit > 0 ? { nanoCpus: Math.max(cpuLimit, milliCpuLimitMin) * 1_000_000 } : {}),
    ...(memory > 0 ? { memoryBytes: memory } : {}),
  };
}

/**
 * Who is to be killed first when the host runs out of memory. Undefined for guaranteed pods: what Kubernetes gives them (-997) needs
 * a capability that agents on shared hosts may lack, and the default (0) still puts them behind all others.
 */
export function oomScoreAdj(pod: Pod, container: Container, memoryCapacityBytes: number): number | undefined {
  const qos = qosClass(pod);
  if (qos === "Guaranteed") return undefined;
  if (qos === "BestEffort") return 1000;
  const request = container.resources?.requests?.memory ?? container.resources?.limits?.memory;
  const share = request === undefined ? 0 : Math.floor(1000 * bytes(request) / memoryCapacityBytes);
  return Math.min(999, Math.max(3, 1000 - share));
}
