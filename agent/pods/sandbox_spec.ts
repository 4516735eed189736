/** The infra container that holds a pod's namespaces, as the engine is asked for it. Pure. */
import type { Pod } from "../../lib/types/core_v1.ts";
import type { ContainerSpec } from "../engine/engine.ts";
import { kernelHostname } from "./hosts.ts";
import { containerLabels, containerName, type Owner, sandboxName } from "./names.ts";
import { hostNetwork } from "./pod_spec.ts";

export interface SandboxInput {
  readonly attempt: number;
  readonly image: string;
  readonly owner: Owner;
  readonly clusterDomain: string;
}

/** Any port may be listened on without a capability, as in other runtimes for Kubernetes. */
const portsSysctl = "net.ipv4.ip_unprivileged_port_start";

export function sandboxSpec(pod: Pod, { attempt, image, owner, clusterDomain }: SandboxInput): ContainerSpec {
  const host = hostNetwork(pod);
  const sysctls = Object.fromEntries((pod.spec.securityContext?.sysctls ?? []).map(({ name, value }) => [name, value]));
  return {
    name: containerName(pod, sandboxName, attempt),
    image,
    labels: containerLabels(pod, owner, {
      container: sandboxName,
      attempt,
      sandboxAttempt: attempt,
      restartDelayMs: 0,
      hash: "",
    }),
    networkMode: host ? "host" : "none",
    ipcMode: pod.spec.hostIPC === true ? "host" : "shareable",
    ...(pod.spec.hostPID === true ? { pidMode: "host" as const } : {}),
    ...(host ? { utsMode: "host" as const } : { hostname: kernelHostname(pod, clusterDomain) }),
    sysctls: host ? sysctls : { [portsSysctl]: "0", ...sysctls },
    resources: { cpuShares: 2 },
    capDrop: ["ALL"],
    securityOpt: ["no-new-privileges"],
    readOnlyRootfs: true,
  };
}
