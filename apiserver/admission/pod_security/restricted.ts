/** The level restricted: what a program needs that has no business with its host, and said aloud. Pure. */
import type { Container, Volume } from "../../../lib/types/core_v1.ts";
import { type Check, containersOf, isWindows, named, plural, quoted, setters, sorted } from "./check.ts";

const allowPrivilegeEscalation: Check = {
  id: "allowPrivilegeEscalation",
  since: 8,
  check(pod) {
    if (isWindows(pod) && pod.minor >= 25) return undefined;
    const containers = containersOf(pod.spec).filter((c) => c.securityContext?.allowPrivilegeEscalation !== false);
    if (containers.length === 0) return undefined;
    return {
      reason: "allowPrivilegeEscalation != false",
      detail: `${named(containers)} must set securityContext.allowPrivilegeEscalation=false`,
    };
  },
};

const capabilities: Check = {
  id: "capabilities_restricted",
  since: 22,
  overrides: ["capabilities_baseline"],
  check(pod) {
    if (isWindows(pod) && pod.minor >= 25) return undefined;
    const all = containersOf(pod.spec);
    const added = (c: Container) =>
      (c.securityContext?.capabilities?.add ?? []).filter((name) => name !== "NET_BIND_SERVICE");
    const keeping = all.filter((c) => !c.securityContext?.capabilities?.drop?.includes("ALL"));
    const adding = all.filter((c) => added(c).length > 0);
    const details = [
      ...(keeping.length === 0 ? [] : [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`]),
      ...(adding.length === 0 ? [] : [
        `${named(adding)} must not include ${
          quoted(sorted(adding.flatMap(added)))
        } in securityContext.capabilities.add`,
      ]),
    ];
    return details.length === 0 ? undefined : { reason: "unrestricted capabilities", detail: details.join("; ") };
  },
};

const volumeTypes = new Set(
  "configMap csi downwardAPI emptyDir ephemeral persistentVolumeClaim projected secret".split(" "),
);

const restrictedVolumes: Check = {
  id: "restrictedVolumes",
  overrides: ["hostPathVolumes"],
  check({ spec }) {
    const typeOf = (volume: Volume) => Object.keys(volume).find((key) => key !== "name") ?? "unknown";
    const volumes = (spec.volumes ?? []).filter((volume) => !volumeTypes.has(typeOf(volume)));
    if (volumes.length === 0) return undefined;
    const types = sorted(volumes.map(typeOf));
    const what = plural("restricted volume type", "restricted volume types", types);
    const names = `${plural("volume", "volumes", volumes)} ${quoted(volumes.map(({ name }) => name))}`;
    return {
      reason: "restricted volume types",
      detail: `${names} ${plural("uses", "use", volumes)} ${what} ${quoted(types)}`,
    };
  },
};

const runAsNonRoot: Check = {
  id: "runAsNonRoot",
  check({ spec }) {
    const own = spec.securityContext?.runAsNonRoot;
    const all = containersOf(spec);
    const reason = "runAsNonRoot != true";
    const who = setters(own === false, all.filter((c) => c.securityContext?.runAsNonRoot === false));
    if (who.length > 0) {
      return { reason, detail: `${who.join(" and ")} must not set securityContext.runAsNonRoot=false` };
    }
    const silent = own === true ? [] : all.filter((c) => c.securityContext?.runAsNonRoot === undefined);
    if (silent.length === 0) return undefined;
    return { reason, detail: `pod or ${named(silent)} must set securityContext.runAsNonRoot=true` };
  },
};

const runAsUser: Check = {
  id: "runAsUser",
  since: 23,
  check({ spec }) {
    const own = spec.securityContext?.runAsUser === 0;
    const who = setters(own, containersOf(spec).filter((c) => c.securityContext?.runAsUser === 0));
    if (who.length === 0) return undefined;
    return { reason: "runAsUser=0", detail: `${who.join(" and ")} must not set runAsUser=0` };
  },
};

const seccompProfile: Check = {
  id: "seccompProfile_restricted",
  since: 19,
  overrides: ["seccompProfile_baseline"],
  check(pod) {
    if (isWindows(pod) && pod.minor >= 25) return undefined;
    const right = (type: string | undefined) => type === "RuntimeDefault" || type === "Localhost";
    const own = pod.spec.securityContext?.seccompProfile;
    const profile = (c: Container) => c.securityContext?.seccompProfile;
    const all = containersOf(pod.spec);
    const wrong = all.filter((c) => profile(c) !== undefined && !right(profile(c)!.type));
    const ownWrong = own !== undefined && !right(own.type);
    const who = setters(ownWrong, wrong);
    const reason = "seccompProfile";
    if (who.length > 0) {
      const values = sorted([...(ownWrong ? [own.type ?? ""] : []), ...wrong.map((c) => profile(c)!.type ?? "")]);
      const detail = `${who.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted(values)}`;
      return { reason, detail };
    }
    const silent = own !== undefined ? [] : all.filter((c) => profile(c) === undefined);
    if (silent.length === 0) return undefined;
    const detail = `pod or ${
      named(silent)
    } must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
    return { reason, detail };
  },
};

export const restrictedChecks: readonly Check[] = [
  allowPrivilegeEscalation,
  capabilities,
  restrictedVolumes,
  runAsNonRoot,
  runAsUser,
  seccompProfile,
];
