/** The level baseline: nothing that is known to lead out of a container. Pure. */
import type { Container, Probe, SELinuxOptions } from "../../../lib/types/core_v1.ts";
import { type Check, containersOf, named, plural, quoted, setters, sorted } from "./check.ts";

const appArmorPrefix = "container.apparmor.security.beta.kubernetes.io/";

const appArmorProfile: Check = {
  id: "appArmorProfile",
  check({ annotations, spec }) {
    const wrong = (type: string | undefined) => type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
    const own = spec.securityContext?.appArmorProfile?.type;
    const containers = containersOf(spec).filter((c) => wrong(c.securityContext?.appArmorProfile?.type));
    const keys = Object.keys(annotations).filter((key) => key.startsWith(appArmorPrefix))
      .filter((key) =>
        !["", "runtime/default"].includes(annotations[key]!) && !annotations[key]!.startsWith("localhost/")
      )
      .sort();
    const more = keys.length === 0 ? [] : [`${plural("annotation", "annotations", keys)} ${quoted(keys)}`];
    const who = setters(wrong(own), containers, more);
    if (who.length === 0) return undefined;
    const values = sorted([
      ...(wrong(own) ? [own!] : []),
      ...containers.map((c) => c.securityContext!.appArmorProfile!.type!),
      ...keys.map((key) => annotations[key]!),
    ]);
    return {
      reason: plural("forbidden AppArmor profile", "forbidden AppArmor profiles", values),
      detail: `${who.join(" and ")} must not set AppArmor profile type to ${quoted(values)}`,
    };
  },
};

const usual = new Set(
  "AUDIT_WRITE CHOWN DAC_OVERRIDE FOWNER FSETID KILL MKNOD NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT"
    .split(" "),
);

const capabilities: Check = {
  id: "capabilities_baseline",
  check({ spec }) {
    const unusual = (c: Container) => (c.securityContext?.capabilities?.add ?? []).filter((name) => !usual.has(name));
    const containers = containersOf(spec).filter((c) => unusual(c).length > 0);
    if (containers.length === 0) return undefined;
    const names = quoted(sorted(containers.flatMap(unusual)));
    return {
      reason: "non-default capabilities",
      detail: `${named(containers)} must not include ${names} in securityContext.capabilities.add`,
    };
  },
};

const hostNamespaces: Check = {
  id: "hostNamespaces",
  check({ spec }) {
    const shared = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((name) => spec[name] === true);
    if (shared.length === 0) return undefined;
    return { reason: "host namespaces", detail: shared.map((name) => `${name}=true`).join(", ") };
  },
};

const hostPathVolumes: Check = {
  id: "hostPathVolumes",
  check({ spec }) {
    const volumes = (spec.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined).map(({ name }) => name);
    if (volumes.length === 0) return undefined;
    return { reason: "hostPath volumes", detail: `${plural("volume", "volumes", volumes)} ${quoted(volumes)}` };
  },
};

const hostPorts: Check = {
  id: "hostPorts",
  check({ spec }) {
    const portsOf = (c: Container) => (c.ports ?? []).flatMap(({ hostPort }) => hostPort ? [String(hostPort)] : []);
    const containers = containersOf(spec).filter((c) => portsOf(c).length > 0);
    if (containers.length === 0) return undefined;
    const ports = sorted(containers.flatMap(portsOf));
    const use = plural("uses", "use", containers);
    return {
      reason: "hostPort",
      detail: `${named(containers)} ${use} ${plural("hostPort", "hostPorts", ports)} ${ports.join(", ")}`,
    };
  },
};

const hostProbes: Check = {
  id: "hostProbesAndHostLifecycle",
  since: 34,
  check({ spec }) {
    const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: Container) =>
      ([livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop] as (Probe | undefined)[])
        .flatMap((probe) => [probe?.httpGet?.host, probe?.tcpSocket?.host])
        .filter((host): host is string => !!host);
    const containers = containersOf(spec).filter((c) => hostsOf(c).length > 0);
    if (containers.length === 0) return undefined;
    const hosts = sorted(containers.flatMap(hostsOf));
    const what = plural("probe or lifecycle host", "probe or lifecycle hosts", hosts);
    return {
      reason: "probe or lifecycle host",
      detail: `${named(containers)} ${plural("uses", "use", containers)} ${what} ${quoted(hosts)}`,
    };
  },
};

const privileged: Check = {
  id: "privileged",
  check({ spec }) {
    const containers = containersOf(spec).filter((c) => c.securityContext?.privileged === true);
    if (containers.length === 0) return undefined;
    return { reason: "privileged", detail: `${named(containers)} must not set securityContext.privileged=true` };
  },
};

const procMount: Check = {
  id: "procMount",
  check({ spec }) {
    const mount = (c: Container) => c.securityContext?.procMount;
    const containers = containersOf(spec).filter((c) => mount(c) !== undefined && mount(c) !== "Default");
    if (containers.length === 0) return undefined;
    const types = quoted(sorted(containers.map((c) => mount(c)!)));
    return { reason: "procMount", detail: `${named(containers)} must not set securityContext.procMount to ${types}` };
  },
};

const seLinuxOptions: Check = {
  id: "seLinuxOptions",
  check({ spec, minor }) {
    const types = [
      "",
      "container_t",
      "container_init_t",
      "container_kvm_t",
      ...(minor >= 31 ? ["container_engine_t"] : []),
    ];
    const wrongType = ({ type = "" }: SELinuxOptions) => !types.includes(type);
    const wrong = (o: SELinuxOptions | undefined): o is SELinuxOptions =>
      o !== undefined && (wrongType(o) || !!o.user || !!o.role);
    const own = spec.securityContext?.seLinuxOptions;
    const containers = containersOf(spec).filter((c) => wrong(c.securityContext?.seLinuxOptions));
    const who = setters(wrong(own), containers);
    if (who.length === 0) return undefined;
    const all = [own, ...containers.map((c) => c.securityContext!.seLinuxOptions)].filter(wrong);
    const bad = sorted(all.filter(wrongType).map(({ type }) => type!));
    const data = [
      ...(bad.length === 0 ? [] : [`${plural("type", "types", bad)} ${quoted(bad)}`]),
      ...(all.some(({ user }) => user) ? ["user may not be set"] : []),
      ...(all.some(({ role }) => role) ? ["role may not be set"] : []),
    ];
    return {
      reason: "seLinuxOptions",
      detail: `${who.join(" and ")} set forbidden securityContext.seLinuxOptions: ${data.join("; ")}`,
    };
  },
};

const seccompProfile: Check = {
  id: "seccompProfile_baseline",
  since: 19,
  check({ spec }) {
    const wrong = (type: string | undefined) => type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
    const own = spec.securityContext?.seccompProfile?.type;
    const containers = containersOf(spec).filter((c) => wrong(c.securityContext?.seccompProfile?.type));
    const who = setters(wrong(own), containers);
    if (who.length === 0) return undefined;
    const values = sorted([
      ...(wrong(own) ? [own!] : []),
      ...containers.map((c) => c.securityContext!.seccompProfile!.type!),
    ]);
    const detail = `${who.join(" and ")} must not set securityContext.seccompProfile.type to ${quoted(values)}`;
    return { reason: "seccompProfile", detail };
  },
};

/** What each minor version added. */
const safeSysctls: readonly (readonly [number, readonly string[]])[] = [
  [0, [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_unprivileged_port_start",
  ]],
  [27, ["net.ipv4.ip_local_reserved_ports"]],
  [29, [
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
  ]],
  [32, ["net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"]],
];

const sysctls: Check = {
  id: "sysctls",
  check({ spec, minor }) {
    const safe = safeSysctls.filter(([since]) => minor >= since).flatMap(([, names]) => names);
    const wrong = (spec.securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.includes(name));
    return wrong.length === 0 ? undefined : { reason: "forbidden sysctls", detail: wrong.join(", ") };
  },
};

const windowsHostProcess: Check = {
  id: "windowsHostProcess",
  check({ spec }) {
    const own = spec.securityContext?.windowsOptions?.hostProcess === true;
    const containers = containersOf(spec).filter((c) => c.securityContext?.windowsOptions?.hostProcess === true);
    const who = setters(own, containers);
    if (who.length === 0) return undefined;
    const detail = `${who.join(" and ")} must not set securityContext.windowsOptions.hostProcess=true`;
    return { reason: "hostProcess", detail };
  },
};

export const baselineChecks: readonly Check[] = [
  appArmorProfile,
  capabilities,
  hostNamespaces,
  hostPathVolumes,
  hostPorts,
  hostProbes,
  privileged,
  procMount,
  seLinuxOptions,
  seccompProfile,
  sysctls,
  windowsHostProcess,
];
