/** securityContext of pod and container as what the engine is told. Pure; refuses what cannot be done with ConfigError. */
import type { Container, Pod, SeccompProfile, SecurityContext } from "../../lib/types/core_v1.ts";
import type { ContainerSpec, ImageConfig } from "../engine/engine.ts";
import { ConfigError } from "./env.ts";
import { podLabel } from "./names.ts";

export interface SecurityInput {
  readonly image: Pick<ImageConfig, "user">;
  /** The text of a profile below the agent's seccomp directory; undefined when there is none. */
  readonly seccompProfile: (localhostProfile: string) => string | undefined;
}

export type EngineSecurity = Pick<
  ContainerSpec,
  "user" | "groups" | "privileged" | "readOnlyRootfs" | "capAdd" | "capDrop" | "securityOpt"
>;

/** Throws ConfigError in kubelet's words where it has any. */
export function engineSecurity(pod: Pod, container: Container, input: SecurityInput): EngineSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  refuseUnsupported(pod, own);
  const uid = own.runAsUser ?? shared.runAsUser;
  verifyNonRoot(pod, container, uid, input.image.user);
  const gid = own.runAsGroup ?? shared.runAsGroup;
  const groups = [...shared.supplementalGroups ?? [], ...shared.fsGroup === undefined ? [] : [shared.fsGroup]];
  const privileged = own.privileged === true;
  return {
    ...(userOf(uid, gid, input.image.user)),
    ...(groups.length === 0 ? {} : { groups: [...new Set(groups)].map(String) }),
    privileged,
    readOnlyRootfs: own.readOnlyRootFilesystem === true,
    capAdd: (own.capabilities?.add ?? []).map(bareCapability),
    capDrop: (own.capabilities?.drop ?? []).map(bareCapability),
    securityOpt: privileged ? [] : securityOptions(pod, own, input),
  };
}

const bareCapability = (name: string) => name.toUpperCase().replace(/^CAP_/, "");

function userOf(uid: number | undefined, gid: number | undefined, imageUser: string): { user?: string } {
  if (uid === undefined && gid === undefined) return {};
  const user = uid === undefined ? imageUser.split(":")[0]! || "0" : String(uid);
  // With a uid alone the primary group is what the image's passwd says, or 0.
  return { user: gid === undefined ? user : `${user}:${gid}` };
}

function verifyNonRoot(pod: Pod, container: Container, uid: number | undefined, imageUser: string): void {
  const wanted = container.securityContext?.runAsNonRoot ?? pod.spec.securityContext?.runAsNonRoot;
  if (wanted !== true) return;
  const where = `(pod: ${JSON.stringify(podLabel(pod))}, container: ${container.name})`;
  if (uid !== undefined) {
    if (uid === 0) throw new ConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  const name = imageUser.split(":")[0]!;
  if (name === "" || name === "0") {
    throw new ConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  }
  if (!/^\d+$/.test(name)) {
    throw new ConfigError(
      `container has runAsNonRoot and image has non-numeric user (${name}), cannot verify user is non-root ${where}`,
    );
  }
}

function refuseUnsupported(pod: Pod, own: SecurityContext): void {
  if (own.procMount === "Unmasked") {
    throw new ConfigError("securityContext.procMount Unmasked is not supported by this agent");
  }
  if (own.windowsOptions !== undefined) {
    throw new ConfigError("securityContext.windowsOptions is not supported on Linux");
  }
  if (pod.spec.securityContext?.supplementalGroupsPolicy === "Strict") {
    throw new ConfigError("securityContext.supplementalGroupsPolicy Strict is not supported by this agent");
  }
}

function securityOptions(pod: Pod, own: SecurityContext, input: SecurityInput): string[] {
  const shared = pod.spec.securityContext ?? {};
  const options: string[] = [];
  if (own.allowPrivilegeEscalation === false) options.push("no-new-privileges");
  options.push(...seccompOptions(own.seccompProfile ?? shared.seccompProfile, input));
  const appArmor = own.appArmorProfile ?? shared.appArmorProfile;
  if (appArmor?.type === "Unconfined") options.push("apparmor=unconfined");
  if (appArmor?.type === "Localhost") options.push(`apparmor=${appArmor.localhostProfile}`);
  const selinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  for (const part of ["user", "role", "type", "level"] as const) {
    const value = selinux?.[part];
    if (value !== undefined && value !== "") options.push(`label=${part}:${value}`);
  }
  return options;
}

/** Without a profile the engine's own is kept, as kubelet's --seccomp-default does. */
function seccompOptions(profile: SeccompProfile | undefined, input: SecurityInput): string[] {
  if (profile?.type === "Unconfined") return ["seccomp=unconfined"];
  if (profile?.type !== "Localhost") return [];
  const name = profile.localhostProfile ?? "";
  const text = input.seccompProfile(name);
  if (text === undefined) throw new ConfigError(`cannot load seccomp profile "${name}": no such file on this node`);
  return [`seccomp=${text}`];
}
