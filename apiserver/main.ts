/** Flags → parts → listen. The parts are made here, in order, and nowhere else. */
import { getLogger } from "log";
import { type Client, createClient } from "../lib/client/client.ts";
import { runElected } from "../lib/controller/leader.ts";
import { fail } from "../lib/fail.ts";
import { parseFlags, processSources } from "../lib/flags.ts";
import * as limits from "../lib/limits.ts";
import { startLogging } from "../lib/log.ts";
import { sleep, systemClock as clock } from "../lib/seams/clock.ts";
import { createFetcher, type Fetcher } from "../lib/seams/https.ts";
import { systemRandom as random } from "../lib/seams/random.ts";
import { isReason, StatusError, statusError } from "../lib/status.ts";
import type { Node } from "../lib/types/core_v1.ts";
import { Namespace } from "../lib/types/kinds.ts";
import { gitVersion, kubernetesVersion } from "../lib/version.ts";
import { admissionPlugins } from "./admission/mod.ts";
import { type Authorizer, mayAccess } from "./auth/authorize.ts";
import { createAuth } from "./auth/mod.ts";
import { authenticated, authenticatedGroup, componentUser } from "./auth/user.ts";
import { type Cache, createCache } from "./cache/cache.ts";
import { type ApiserverConfig, apiserverFlags } from "./config.ts";
import { systemNamespaces } from "./controllers/bootstrap.ts";
import { type ControllerConfig, runControllers } from "./controllers/mod.ts";
import type { CertificateParts } from "./controllers/parts.ts";
import { createHealth } from "./health.ts";
import { createMetrics } from "./metrics.ts";
import { type CredentialOptions, type Credentials, ensureCredentials } from "./pki/credentials.ts";
import type { Authority, KeyPair } from "./pki/pki.ts";
import { resources } from "./registry/mod.ts";
import type { ConnectTarget } from "./rest/resource.ts";
import { createRest } from "./rest/rest.ts";
import { runScheduler } from "./scheduler/mod.ts";
import { createHandler, listen } from "./server.ts";
import { openStore } from "./storage/open.ts";
import type { NodeAddress } from "./tunnel.ts";

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

/** Where an agent listens, from what its Node says. */
function nodeAddress(cache: Cache, name: string): NodeAddress {
  const node = cache.resource("nodes").get(name)?.object as Node | undefined;
  if (node === undefined) {
    throw statusError("NotFound", `nodes ${JSON.stringify(name)} not found`, { name, kind: "nodes" });
  }
  const host = node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port;
  if (host === undefined || port === undefined) {
    throw statusError("ServiceUnavailable", `node ${name} has not said yet where its agent listens`);
  }
  return { host, port, serverName: name };
}

/** Requests to nodes and addresses that are no upgrades: logs and proxies. Answers are streamed. */
function createConnector(ca: string, client: () => KeyPair, addressOf: (node: string) => NodeAddress) {
  let made: { cert: string; fetchers: Map<string, Fetcher> } = { cert: "", fetchers: new Map() };
  const fetcherFor = (serverName: string) => {
    // A renewed certificate means new connections; the old ones end when they are idle.
    if (made.cert !== client().cert) made = { cert: client().cert, fetchers: new Map() };
    const fetcher = made.fetchers.get(serverName) ?? createFetcher({ ca, ...client(), serverName });
    made.fetchers.set(serverName, fetcher);
    return fetcher;
  };
  const plain = createFetcher();
  return async (target: ConnectTarget, request: Request): Promise<Response> => {
    const headers = new Headers(request.headers);
    for (const name of ["authorization", "host", "connection", "content-length"]) headers.delete(name);
    const { method, body, signal } = request;
    try {
      if (target.to === "address") {
        const url = `${target.scheme}://${target.host}:${target.port}${target.path}`;
        return await plain(new Request(url, { method, headers, body, signal }));
      }
      const { host, port, serverName } = addressOf(target.node);
      return await fetcherFor(serverName)(
        new Request(`https://${host}:${port}${target.path}`, { method, headers, body, signal }),
      );
    } catch (error) {
      if (error instanceof StatusError || signal.aborted) throw error;
      const where = target.to === "node" ? `the agent of node ${target.node}` : `${target.host}:${target.port}`;
      throw statusError("ServiceUnavailable", `${where} cannot be reached: ${(error as Error).message}`);
    }
  };
}

async function main(config: ApiserverConfig): Promise<void> {
  await startLogging({ level: config["log-level"], format: config["log-format"] });
  const dataDir = config["data-dir"];
  const advertiseAddress = config["advertise-address"] ?? "127.0.0.1";
  const credentialOptions: CredentialOptions = {
    dataDir,
    advertiseAddress,
    port: config.port,
    serviceAddress: firstAddress(config["service-cidr"]),
    clusterDomain: config["cluster-domain"],
    nodeName: config["node-name"],
    nodeAddress: config["node-ip"],
    clock,
    random,
  };
  const [credentials, store] = await Promise.all([
    ensureCredentials(credentialOptions),
    openStore({ url: config.redis, dir: `${dataDir}/apiserver/redis` }),
  ]);
  await using closing = new AsyncDisposableStack();
  closing.defer(() => store.close());
  let client = credentials.client;
  const ca = credentials.authority.cert;
  const storages = [...new Set(resources.map(({ storage }) => storage))];
  const cache = createCache(store, storages);
  await cache.start();
  const addressOf = (node: string) => nodeAddress(cache, node);
  const clusterConfig = {
    serviceCidr: config["service-cidr"],
    nodePortRange: config["node-port-range"],
    clusterDomain: config["cluster-domain"],
  };
  const connect = createConnector(ca, () => client, addressOf);
  const rest = createRest({
    store,
    cache,
    resources,
    admission: admissionPlugins,
    clock,
    random,
    config: clusterConfig,
    version,
    connect,
  });
  const stopping = new AbortController();
  let bootstrapped = false;
  const health = createHealth({
    live: [{ name: "ping", check: () => {} }],
    ready: [
      { name: "store", check: () => store.ping() },
      { name: "cache", check: () => require(cache.ready, "the watch cache has not read the store yet") },
      { name: "bootstrap", check: () => require(bootstrapped, "the default namespaces are not there yet") },
      { name: "shutdown", check: () => require(!stopping.signal.aborted, "the server is shutting down") },
    ],
  });
  const metrics = createMetrics({
    storageBytes: async () => (await store.stats()).bytes,
    objects: () => storages.map((name) => [name, cache.resource(name).snapshot().entries().length]),
    watchers: () => [],
  });
  const auth = createAuth({ adminToken: credentials.adminToken, cache, storages, clock });
  const handler = createHandler({
    rest,
    health,
    metrics,
    clock,
    version,
    ...auth,
  });
  const server = await listen({
    handler,
    host: config["bind-address"]!,
    port: config.port,
    tls: { ...credentials.server, ca },
    tunnel: { nodeAddress: addressOf, ca, client: () => client },
  });
  const clientFor = (user: string) =>
    createClient((request) => handler(request, { user: componentUser(user) }), { userAgent: user });
  await createNamespaces(clientFor("system:controller:system-namespaces"));
  bootstrapped = true;
  logger.info("serving on {host}:{port}", { host: config["bind-address"], port: server.port });
  const guests = runGuests({ clientFor, config, credentials, authorizers: auth.authorizers, signal: stopping.signal });
  const renewing = renewCertificates(credentialOptions, (renewed) => {
    client = renewed.client;
    server.useCertificate(renewed.server);
  }, stopping.signal);
  await terminated();
  logger.info("stopping");
  stopping.abort();
  await server.close(clock);
  await Promise.all([guests, renewing]);
  await cache.close();
}

/** The controller that keeps them needs a Lease in one of them to lead. */
async function createNamespaces(client: Client): Promise<void> {
  for (const name of systemNamespaces) {
    await client.create(Namespace, { metadata: { name }, spec: {} }).catch((error) => {
      if (!isReason(error, "AlreadyExists")) throw error;
    });
  }
}

function require(is: boolean, otherwise: string): void {
  if (!is) throw new Error(otherwise);
}

/** The control loops. One API server of several runs them: the holder of a Lease. */
async function runGuests({ clientFor, config, credentials, authorizers, signal }: {
  clientFor: (user: string) => Client;
  config: ApiserverConfig;
  credentials: Pick<Credentials, "authority" | "clusterId">;
  authorizers: readonly Authorizer[];
  signal: AbortSignal;
}): Promise<void> {
  const { authority, clusterId } = credentials;
  const controllerConfig: ControllerConfig = {
    clusterCidr: config["cluster-cidr"],
    serviceCidr: config["service-cidr"],
    advertiseAddress: config["advertise-address"] ?? "127.0.0.1",
    port: config.port,
    caPem: authority.cert,
    settings: {
      clusterId,
      clusterCidr: config["cluster-cidr"],
      serviceCidr: config["service-cidr"],
      clusterDns: config["cluster-dns"]!,
      clusterDomain: config["cluster-domain"],
      nodePortRange: config["node-port-range"],
    },
    certificates: certificateParts(authority, authorizers),
  };
  const controllerClient = (name: string) => clientFor(`system:controller:${name}`);
  const who = `${config["node-name"] ?? Deno.hostname()}_${clusterId}`;
  const loops: [string, (signal: AbortSignal) => Promise<void>][] = [
    [
      "kube-controller-manager",
      (term) => runControllers({ clientFor: controllerClient, clock, random, config: controllerConfig, signal: term }),
    ],
    [
      "kube-scheduler",
      (term) => runScheduler({ client: clientFor("system:kube-scheduler"), clock, random, signal: term }),
    ],
  ];
  await Promise.all(loops.map(([name, run]) => {
    const election = { client: clientFor(`system:${name}`), clock, name, identity: who };
    return runElected(election, run, signal);
  }));
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

/** Looks at the certificates from time to time and makes those anew that are due. */
async function renewCertificates(
  options: CredentialOptions,
  use: (renewed: Credentials) => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, limits.certificateCheckMs, signal);
    if (signal.aborted) return;
    try {
      use(await ensureCredentials(options));
    } catch (error) {
      logger.error("could not renew the certificates: {error}", { error: String(error) });
    }
  }
}

function terminated(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => resolve());
  });
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
