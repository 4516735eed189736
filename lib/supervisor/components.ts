/** The processes of a cluster on this host: what each is started with, and exactly what Deno lets it do. */
import { fromFileUrl } from "./paths.ts";
import type { ChildSpec } from "./child.ts";
import type { StartConfig } from "./config.ts";

const root = fromFileUrl(new URL("../../", import.meta.url)).replace(/\/$/, "");

/**
 * How V8 keeps memory. API server and agent: a young generation of 16 and 8 MiB (with 8 the API server takes a tenth longer for a write, with 4
 * a third), and a heap that may double before it is collected: without that, on a host with much memory, V8 lets it grow to a multiple of
 * what is in use, and is no faster; with 30 % a write costs a third more of the processor's time and a read two fifths. The proxy answers
 * names: with a young generation of 1 MiB no question waits for more than a millisecond of collecting, with 8 every hundredth waits for ten.
 * And when it makes the best code that it can: in the API server after 800 calls of a function, not 3,000. Few clusters write so much that
 * the code for a write, which costs a third less, would come soon otherwise. `--expose-gc` is for lib/garbage.ts.
 */
const v8 = {
  apiserver:
    "--v8-flags=--max-semi-space-size=16,--heap-growing-percent=100,--expose-gc,--invocation-count-for-turbofan=800",
  agent: "--v8-flags=--max-semi-space-size=8,--heap-growing-percent=100,--expose-gc",
  proxy: "--v8-flags=--max-semi-space-size=1,--heap-growing-percent=100,--expose-gc",
};

/** What V8 is told in the process that answers names. */
export const proxyV8 = v8.proxy;

/**
 * Only the agent has all permissions: it mounts, enters namespaces and reads /proc and /sys, which Deno grants to nobody else.
 * ioredis reads the whole environment. Which hosts the API server speaks to is known only when nodes have joined.
 */
function permissions(room: string, config: StartConfig): string[] {
  const { "audit-policy-file": policy, "audit-log-path": log } = config.protection;
  const logged = folderOf(log === "-" ? undefined : log);
  const dirs = (...more: string[]) => [root, `${config.dataDir}/${room}`, ...more].join(",");
  switch (room) {
    case "apiserver":
      return [
        "--allow-env",
        "--allow-net",
        "--allow-sys",
        `--allow-read=${
          [root, config.dataDir, ...folderOf(config.encryptionProviderConfig), ...folderOf(policy), ...logged].join(",")
        }`,
        `--allow-write=${[config.dataDir, ...logged].join(",")}`,
        "--allow-run=redis-server,valkey-server",
      ];
    case "proxy":
      return [
        "--allow-env",
        "--allow-net",
        "--allow-sys",
        `--allow-read=${dirs("/etc/resolv.conf")}`,
        `--allow-write=${config.dataDir}/proxy`,
        "--allow-run=nft,conntrack,ip,sysctl",
      ];
    default:
      return ["--allow-all"];
  }
}

/** A file that is replaced is another one: what may be read is its folder. */
function folderOf(file: string | undefined): string[] {
  return file === undefined ? [] : [file.replace(/\/[^/]*$/, "") || "/"];
}

function spec(
  room: "apiserver" | "agent" | "proxy",
  config: StartConfig,
  flags: Record<string, string | number | undefined>,
): ChildSpec {
  const given = Object.entries({ ...flags, "log-level": config.logLevel, "log-format": config.logFormat })
    .filter(([, value]) => value !== undefined).map(([name, value]) => `--${name}=${value}`);
  return {
    name: room,
    command: [
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--quiet",
      "--frozen",
      v8[room],
      ...permissions(room, config),
      `${root}/${room}/main.ts`,
      ...given,
    ],
    // A word of the shell's in the environment must not reach the components as a setting of theirs: all they take is in the flags.
    env: { DENO_NO_UPDATE_CHECK: "1" },
  };
}

/** In the order in which they start. `engine` is the socket that the agent uses. */
export function components(config: StartConfig, engine: string | undefined): ChildSpec[] {
  const { dataDir, roles } = config;
  const onThisHost = roles.includes("agent") || roles.includes("proxy");
  const all = [
    roles.includes("server") && spec("apiserver", config, {
      "data-dir": dataDir,
      "bind-address": config.bindAddress,
      port: config.port,
      "advertise-address": config.advertiseAddress,
      redis: config.redis,
      "encryption-provider-config": config.encryptionProviderConfig,
      "node-name": onThisHost ? config.nodeName : undefined,
      "node-ip": onThisHost ? config.nodeIp : undefined,
      "cluster-cidr": config.clusterCidr,
      "service-cidr": config.serviceCidr,
      "cluster-dns": config.clusterDns,
      "cluster-domain": config.clusterDomain,
      "node-port-range": `${config.nodePortRange.from}-${config.nodePortRange.to}`,
      "runtime-config": config.runtimeConfig || undefined,
      "node-monitor-grace": `${config.nodeMonitorGraceMs / 1000}s`,
      ...config.protection,
      ...config.autoscaler,
    }),
    roles.includes("agent") && spec("agent", config, {
      kubeconfig: `${dataDir}/agent/kubeconfig`,
      "data-dir": `${dataDir}/agent`,
      "cluster-id-file": `${dataDir}/cluster-id`,
      "tls-cert": `${dataDir}/agent/server.crt`,
      "tls-key": `${dataDir}/agent/server.key`,
      "client-ca": `${dataDir}/pki/ca.crt`,
      engine,
      "node-name": config.nodeName,
      "node-ip": config.nodeIpGiven ? config.nodeIp : undefined,
      "bind-address": config.bindAddress,
      port: config.agentPort,
      "cluster-cidr": config.clusterCidr,
      "service-cidr": config.serviceCidr,
      "cluster-dns": config.clusterDns,
      "cluster-domain": config.clusterDomain,
      "infra-image": config.infraImage,
      "pod-network": config.podNetwork,
      drain: config.drain,
    }),
    roles.includes("proxy") && spec("proxy", config, {
      kubeconfig: `${dataDir}/proxy/kubeconfig`,
      "data-dir": `${dataDir}/proxy`,
      "node-name": config.nodeName,
      "proxy-mode": config.proxyMode,
      "cluster-cidr": config.clusterCidr,
      "service-cidr": config.serviceCidr,
      "cluster-dns": config.clusterDns,
      "cluster-domain": config.clusterDomain,
      "node-port-range": `${config.nodePortRange.from}-${config.nodePortRange.to}`,
      "health-bind": `127.0.0.1:${config.proxyHealthPort}`,
    }),
  ];
  return all.filter((one) => one !== false);
}
