/** The control loops that run in this process: controllers and scheduler, each as a user of its own, through the API like anybody else. */
import type { Client } from "../lib/client/client.ts";
import { runElected } from "../lib/controller/leader.ts";
import type { LoopStats } from "../lib/queue/stats.ts";
import { systemClock as clock } from "../lib/seams/clock.ts";
import { systemRandom as random } from "../lib/seams/random.ts";
import { type Authorizer, mayAccess } from "./auth/authorize.ts";
import type { Auth } from "./auth/mod.ts";
import { authenticated, authenticatedGroup } from "./auth/user.ts";
import type { ApiserverConfig } from "./config.ts";
import type { AutoscalerSettings } from "./controllers/horizontal_pod_autoscaler/settings.ts";
import { type ControllerConfig, runControllers } from "./controllers/mod.ts";
import type { CertificateParts } from "./controllers/parts.ts";
import type { Credentials } from "./pki/credentials.ts";
import type { Authority } from "./pki/pki.ts";
import { runScheduler, type SchedulerStats } from "./scheduler/mod.ts";

/** The control loops. One API server of several runs them: the holder of a Lease. */
export async function runGuests({ clientFor, config, credentials, auth, signal, stats }: {
  clientFor: (user: string) => Client;
  config: ApiserverConfig;
  credentials: Pick<Credentials, "authority" | "clusterId" | "serverId">;
  auth: Pick<Auth, "authorizers" | "legacyToken" | "tokenKeyIds">;
  signal: AbortSignal;
  /** Told what the loops do. */
  stats: { loops: LoopStats; scheduler: SchedulerStats };
}): Promise<void> {
  const { authority, clusterId, serverId } = credentials;
  const controllerConfig: ControllerConfig = {
    clusterCidr: config["cluster-cidr"],
    serviceCidr: config["service-cidr"],
    advertiseAddress: config["advertise-address"] ?? "127.0.0.1",
    nodeName: config["node-name"],
    nodeGraceMs: config["node-monitor-grace"]!.ms,
    port: config.port,
    autoscaler: autoscalerSettings(config),
    caPem: authority.cert,
    settings: {
      clusterId,
      clusterCidr: config["cluster-cidr"],
      serviceCidr: config["service-cidr"],
      clusterDns: config["cluster-dns"]!,
      clusterDomain: config["cluster-domain"],
      nodePortRange: config["node-port-range"],
      keys: {
        tokenKeyIds: auth.tokenKeyIds,
        encryption: config["encryption-provider-config"] === undefined ? "own" : "given",
      },
    },
    certificates: certificateParts(authority, auth.authorizers),
    legacyToken: auth.legacyToken,
  };
  const controllerClient = (name: string) => clientFor(`system:controller:${name}`);
  const who = `${config["node-name"] ?? Deno.hostname()}_${serverId}`;
  const loops: [string, (signal: AbortSignal) => Promise<void>][] = [
    [
      "kube-controller-manager",
      (term) =>
        runControllers({
          clientFor: controllerClient,
          clock,
          random,
          config: controllerConfig,
          signal: term,
          stats: stats.loops,
        }),
    ],
    [
      "kube-scheduler",
      (term) =>
        runScheduler({
          client: clientFor("system:kube-scheduler"),
          clock,
          random,
          signal: term,
          stats: stats.scheduler,
        }),
    ],
  ];
  await Promise.all(loops.map(([name, run]) => {
    const election = { client: clientFor(`system:${name}`), clock, name, identity: who };
    return runElected(election, run, signal);
  }));
}

function autoscalerSettings(config: ApiserverConfig): AutoscalerSettings {
  return {
    syncPeriodMs: config["horizontal-pod-autoscaler-sync-period"].ms,
    downscaleStabilizationMs: config["horizontal-pod-autoscaler-downscale-stabilization"].ms,
    tolerance: config["horizontal-pod-autoscaler-tolerance"],
    cpuInitializationMs: config["horizontal-pod-autoscaler-cpu-initialization-period"].ms,
    initialReadinessDelayMs: config["horizontal-pod-autoscaler-initial-readiness-delay"].ms,
  };
}

/** What controllers may do with the authority: have it sign, and ask who may have what. */
function certificateParts(authority: Authority, authorizers: readonly Authorizer[]): CertificateParts {
  const resource = { group: "certificates.k8s.io", name: "certificatesigningrequests" };
  return {
    sign: (order) => authority.sign(order),
    allows: ({ name, groups }, subresource) => {
      // The request's groups are those that its creator had, `system:authenticated` among them.
      const user = authenticated(name, groups.filter((group) => group !== authenticatedGroup));
      return mayAccess(authorizers, user, { verb: "create", path: "", resource: { ...resource, subresource } });
    },
  };
}
