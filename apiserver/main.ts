/** Flags → parts → listen. The parts are made here, in order, and nowhere else. */
import { getLogger } from "log";
import { createClient } from "../lib/client/client.ts";
import { fail } from "../lib/fail.ts";
import { parseFlags, processSources } from "../lib/flags.ts";
import { startLogging } from "../lib/log.ts";
import { parseRuntimeConfig } from "../lib/runtime_config.ts";
import { LoopStats } from "../lib/queue/stats.ts";
import { systemClock as clock } from "../lib/seams/clock.ts";
import { collectAfterStart } from "../lib/garbage.ts";
import { systemRandom as random } from "../lib/seams/random.ts";
import { gitVersion, kubernetesVersion } from "../lib/version.ts";
import { admissionPlugins } from "./admission/mod.ts";
import { type Auth, createAuth } from "./auth/mod.ts";
import { TokenKeys } from "./auth/tokens/jwt.ts";
import { apiserverUser, componentUser } from "./auth/user.ts";
import { type Cache, createCache } from "./cache/cache.ts";
import { componentStatuses } from "./component_status.ts";
import { type ApiserverConfig, apiserverFlags } from "./config.ts";
import { createConnector, nodeAddress } from "./connector.ts";
import { encryptionFile, lostBy, staleBy } from "./encryption.ts";
import { runGuests } from "./guests.ts";
import { createHealth, type HealthChecks } from "./health.ts";
import { createMetrics, type Metrics } from "./metrics.ts";
import { measuredStore } from "./metrics/measured_store.ts";
import { type CredentialOptions, type Credentials, ensureCredentials, serverAddress } from "./pki/credentials.ts";
import { createProtection } from "./protection.ts";
import { quotaParts } from "./quota_usage.ts";
import { resources, standIns } from "./registry/mod.ts";
import { resourceMetrics, type ResourceMetricsParts } from "./resource_metrics/mod.ts";
import type { ClusterConfig } from "./rest/resource.ts";
import { certificateHealth, expiries, keepCredentials } from "./pki/renewal.ts";
import { announce } from "./presence.ts";
import { createRest } from "./rest/rest.ts";
import { refuseForeign } from "./same_cluster.ts";
import { type Kinds, servedOf } from "./served.ts";
import { SchedulerStats } from "./scheduler/mod.ts";
import { createHandler, listen, type Listening } from "./server.ts";
import { createSystemObjects } from "./system_objects.ts";
import type { EncryptionRule } from "./storage/encryption/configuration.ts";
import { type Encryption, openEncryption } from "./storage/encryption/file.ts";
import { openStore } from "./storage/open.ts";
import type { Store } from "./storage/store.ts";

const logger = getLogger(["sauropod", "apiserver"]);

const version = {
  major: kubernetesVersion.split(".")[0]!,
  minor: kubernetesVersion.split(".")[1]!,
  gitVersion,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: `deno${Deno.version.deno}`,
  compiler: "v8",
  platform: `linux/${Deno.build.arch === "x86_64" ? "amd64" : "arm64"}`,
};

async function main(config: ApiserverConfig): Promise<void> {
  await startLogging({ level: config["log-level"], format: config["log-format"] });
  const options = credentialOptions(config);
  await using closing = new AsyncDisposableStack();
  const { credentials, encryption, store, cache } = await openData(config, options, closing);
  const stopping = new AbortController();
  const state: State = { credentials, bootstrapped: false, stopping: stopping.signal };
  const metrics = metricsOf(store, cache, { state, encryption });
  const auth = authOf(options, { credentials, cache, metrics });
  const ca = credentials.authority.cert;
  const connect = createConnector(ca, () => state.credentials.client, (node) => nodeAddress(cache, node));
  const protection = await createProtection({ config, cache, storages, clock });
  const handler = createHandler({
    rest: createRest({
      store: measuredStore(store, metrics.store, clock),
      cache,
      ...kindsOf(config, { store, auth, cache, clock, connect }),
      admission: admissionPlugins({ ...auth, random, quota: quotaParts({ cache, store, resources, clock }) }),
      clock,
      random,
      config: clusterConfigOf(config),
      version,
      connect,
    }),
    health: healthOf(store, cache, state),
    metrics,
    flow: protection.flow,
    audit: protection.audit,
    stopping: stopping.signal,
    clock,
    random,
    version,
    ...auth,
  });
  const server = await listen({
    handler,
    clock,
    host: config["bind-address"]!,
    port: config.port,
    tls: { ...credentials.server, ca },
    tunnel: { nodeAddress: (node) => nodeAddress(cache, node), ca, client: () => state.credentials.client },
  });
  const clientFor = (user: string) =>
    createClient((request, live) => handler(request, { user: componentUser(user), live }), { userAgent: user });
  const own = createClient((request) => handler(request, { user: apiserverUser }), { userAgent: "apiserver" });
  await createSystemObjects(own);
  const protecting = await protection.start(own, stopping.signal);
  state.bootstrapped = true;
  logger.info("serving on {host}:{port}", { host: config["bind-address"], port: server.port });
  collectAfterStart(clock);
  const { signal } = stopping;
  const use = (renewed: Credentials) => useCredentials(renewed, state, server);
  const background = [
    runGuests({ clientFor, config, credentials, auth, signal, stats }),
    announce({ ...presenceOf(config, credentials), client: own, clock, signal }),
    followKeys(encryption, cache, signal),
    keepCredentials(options, { present: credentials, use, signal }),
    protecting.ended,
  ];
  await terminated(stopping);
  await server.close(clock);
  await protection.audit?.log.close();
  await Promise.all(background);
}

/** Keys and data, of which each is of no use without the other. The stack closes them. */
async function openData(config: ApiserverConfig, options: CredentialOptions, closing: AsyncDisposableStack) {
  const file = encryptionFile(config);
  const encryption = await openEncryption(file, random);
  const { dataDir } = options;
  const [credentials, store] = await Promise.all([
    ensureCredentials(options),
    openStore({ url: config.redis, dir: `${dataDir}/apiserver/redis`, codec: encryption.codec }),
  ]);
  closing.defer(() => store.close());
  const cache = createCache(store, storages);
  await cache.start();
  closing.defer(() => cache.close());
  if (config.redis !== undefined) {
    const newEncryption = encryption.created ? file.path : undefined;
    const tokenKeyIds = new TokenKeys(credentials.tokenKeys).ids;
    await refuseForeign(cache, { dataDir, credentials, tokenKeyIds, newEncryption });
  }
  return { credentials, encryption, store, cache };
}

function presenceOf(config: ApiserverConfig, { serverId }: Credentials) {
  const address = config["advertise-address"] ?? "127.0.0.1";
  return {
    serverId,
    hostname: Deno.hostname(),
    endpoint: `${address.includes(":") ? `[${address}]` : address}:${config.port}`,
  };
}

function followKeys(encryption: Encryption, cache: Cache, signal: AbortSignal): Promise<void> {
  const lost = (rules: readonly EncryptionRule[]) => lostBy(rules, cache, storages);
  return encryption.follow({ clock, signal, lost, changed: () => cache.retry() });
}

const stats = { loops: new LoopStats(), scheduler: new SchedulerStats() };

const storages = [...new Set(resources.map(({ storage }) => storage))];

/** All that there is, without what --runtime-config turns off. */
function kindsOf(
  config: ApiserverConfig,
  { store, auth, ...parts }: ResourceMetricsParts & { store: Store; auth: Auth },
): Kinds {
  const status = componentStatuses({ ...parts, checkStore: () => store.stats() });
  const all: Kinds = {
    resources,
    reviews: [...auth.reviews, ...standIns],
    computed: [status, ...resourceMetrics(parts)],
  };
  return servedOf(all, parseRuntimeConfig(config["runtime-config"]));
}

function metricsOf(
  store: Store,
  cache: Cache,
  { state, encryption }: { state: State; encryption: Encryption },
): Metrics {
  return createMetrics({
    storageBytes: async () => (await store.stats()).bytes,
    objects: () => storages.map((name) => [name, cache.resource(name).snapshot().entries().length]),
    watchers: () => storages.map((name) => [name, cache.resource(name).watchers]),
    certificates: () => expiries(state.credentials),
    encryption: {
      reloads: () => encryption.reloads,
      unreadable: () => storages.map((name) => [name, cache.resource(name).unreadable.size]),
      stale: () => staleBy(cache, storages),
    },
    ...stats,
  });
}

function clusterConfigOf(config: ApiserverConfig): ClusterConfig {
  return {
    serviceCidr: config["service-cidr"],
    nodePortRange: config["node-port-range"],
    clusterDomain: config["cluster-domain"],
  };
}

function useCredentials(renewed: Credentials, state: State, server: Listening): void {
  state.credentials = renewed;
  server.useCertificate(renewed.server);
}

function authOf(
  options: CredentialOptions,
  { credentials, cache, metrics }: { credentials: Credentials; cache: Cache; metrics: Metrics },
): Auth {
  const { clusterDomain } = options;
  const { adminToken, tokenKeys } = credentials;
  const address = serverAddress(options);
  const onCertificate = (secondsLeft: number) => metrics.clientCertificate(secondsLeft);
  return createAuth({ adminToken, cache, storages, clock, random, tokenKeys, clusterDomain, address, onCertificate });
}

/** What changes while the server runs. */
interface State {
  /** The certificates in use: to serve with, and to authenticate to agents. */
  credentials: Credentials;
  bootstrapped: boolean;
  readonly stopping: AbortSignal;
}

function credentialOptions(config: ApiserverConfig): CredentialOptions {
  return {
    dataDir: config["data-dir"],
    advertiseAddress: config["advertise-address"] ?? "127.0.0.1",
    port: config.port,
    serviceAddress: firstAddress(config["service-cidr"]),
    clusterDomain: config["cluster-domain"],
    nodeName: config["node-name"],
    nodeAddress: config["node-ip"],
    clock,
    random,
  };
}

/** What is made at a start, all of it in one go. */
const postStart = [
  "rbac/bootstrap-roles",
  "scheduling/bootstrap-system-priority-classes",
  "priority-and-fairness-config-producer",
  "start-system-namespaces-controller",
];

function healthOf(store: Store, cache: Cache, state: State): HealthChecks {
  return createHealth({
    live: [
      { name: "ping", check: () => {} },
      { name: "certificates", check: () => certificateHealth(state.credentials, clock) },
    ],
    ready: [
      // Kubernetes' names: who asks for one, or leaves it out, asks for these.
      { name: "etcd", check: () => store.ping() },
      { name: "informer-sync", check: () => require(cache.ready, "the watch cache has not read the store yet") },
      ...postStart.map((name) => ({
        name: `poststarthook/${name}`,
        check: () => require(state.bootstrapped, "what every cluster has is not there yet"),
      })),
      { name: "shutdown", check: () => require(!state.stopping.aborted, "the server is shutting down") },
    ],
  });
}

function require(is: boolean, otherwise: string): void {
  if (!is) throw new Error(otherwise);
}

/** Resolves, with everything told to stop, when this process is. */
async function terminated(stopping: AbortController): Promise<void> {
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve());
  });
  logger.info("stopping");
  stopping.abort();
}

/** The first address of a range is the `kubernetes` Service's. */
function firstAddress(cidr: string): string {
  const parts = cidr.split("/")[0]!.split(".").map(Number);
  return [...parts.slice(0, 3), parts[3]! + 1].join(".");
}

try {
  await main(parseFlags(apiserverFlags, processSources()).values);
  Deno.exit(0);
} catch (error) {
  fail(error);
}
