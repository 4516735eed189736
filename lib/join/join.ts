/**
 * Makes this host a node of a cluster: from a join string to credentials on disk. Leaves out starting anything with them.
 * reach the server → pin its authority → settings → the agent's certificate (as bootstrap token) → its serving certificate and the
 * proxy's certificate (as the node). Stopped half-way, it begins again.
 */
import { type Client, createClient, type Transport } from "../client/client.ts";
import { type Access, httpsTransport } from "../client/kubeconfig.ts";
import * as limits from "../limits.ts";
import { type KeyPair, readPair } from "../pki/pair_file.ts";
import { createKey, createRequest, type RequestSubject } from "../pki/request.ts";
import { type Clock, type Instant, sleep } from "../seams/clock.ts";
import { readText, writeAtomic } from "../seams/files.ts";
import { peerChain } from "../seams/peer_chain.ts";
import { isReason, StatusError } from "../status.ts";
import { ConfigMap } from "../types/kinds.ts";
import { formatToken } from "./bootstrap_token.ts";
import {
  CertificateRefused,
  CertificateUnanswered,
  clientUsages,
  requestCertificate,
  servingUsages,
} from "./certificate_request.ts";
import { JoinError } from "./join_error.ts";
import type { JoinString } from "./join_string.ts";
import { credentialPaths, type JoinResult, makeDirectories, writeJoined } from "./joined.ts";
import { type ClusterSettings, readSettings, settingsMap } from "./settings.ts";
import * as signers from "./signers.ts";
import { pinnedAuthority } from "./trust.ts";

export interface JoinOptions {
  readonly join: JoinString;
  readonly dataDir: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  /** /etc/machine-id; empty when the host has none. */
  readonly machineId: string;
  readonly clock: Clock;
  /** A line for who looks on. */
  say(line: string): void;
  readonly signal?: AbortSignal;
  /** For tests: how the server is reached. Default: TLS. */
  readonly network?: JoinNetwork;
}

export interface JoinNetwork {
  chain(server: string): Promise<Uint8Array[]>;
  transport(access: Access): Transport & { close(): void };
}

const realNetwork: JoinNetwork = {
  chain: (server) => peerChain(server, limits.joinConnectMs),
  transport: httpsTransport,
};

/** Throws JoinError where trying again would not help. */
export async function joinCluster(options: JoinOptions): Promise<JoinResult> {
  const { join, dataDir, nodeName, clock, network = realNetwork } = options;
  const { server } = join;
  const until = clock.now() + limits.joinReachMs;
  const chain = await patiently(options, until, () => network.chain(server));
  const ca = pinnedAuthority(chain, { caHash: join.caHash, now: clock.now() });
  await makeDirectories(dataDir);
  const wanted = wantedCertificates(options);
  const asToken = network.transport({ server, ca, token: formatToken(join.token) });
  let settings: ClusterSettings;
  let agent: KeyPair;
  try {
    const client = createClient(asToken, { userAgent: "sauropod-join" });
    settings = await patiently(options, until, () => fetchSettings(client, options));
    agent = await obtain(options, client, until, wanted.agent);
  } finally {
    asToken.close();
  }
  const asNode = network.transport({ server, ca, ...agent });
  try {
    const client = createClient(asNode, { userAgent: "sauropod-join" });
    const [serving, proxy] = await Promise.all([
      obtain(options, client, until, wanted.serving),
      obtain(options, client, until, wanted.proxy),
    ]);
    const result: JoinResult = { server, nodeName, settings, ca, agent, serving, proxy };
    await writeJoined(dataDir, result);
    return result;
  } finally {
    asNode.close();
  }
}

interface Wanted {
  /** Of the pair's files. */
  path: string;
  signer: string;
  usages: readonly string[];
  subject: RequestSubject;
  annotations: Record<string, string>;
}

function wantedCertificates({ dataDir, nodeName, nodeIp, machineId }: JoinOptions) {
  const annotations = { [signers.machineAnnotation]: machineId, [signers.addressesAnnotation]: nodeIp };
  const node = { commonName: signers.nodeUserPrefix + nodeName, organizations: [signers.nodesGroup] };
  const names = signers.servingNames(nodeName, nodeIp);
  const { client, serving } = credentialPaths(dataDir, "agent");
  const proxy = { commonName: signers.proxyUserPrefix + nodeName, organizations: [signers.proxiesGroup] };
  const common = { usages: clientUsages, annotations };
  return {
    agent: { ...common, path: client, signer: signers.nodeClientSigner, subject: node },
    serving: {
      ...common,
      path: serving,
      usages: servingUsages,
      signer: signers.nodeServingSigner,
      subject: { ...node, names },
    },
    proxy: {
      ...common,
      path: credentialPaths(dataDir, "proxy").client,
      signer: signers.proxyClientSigner,
      subject: proxy,
    },
  } satisfies Record<string, Wanted>;
}

/** The certificate for the key in `<path>.key`, which is made and kept when it is not there. */
async function obtain(
  options: JoinOptions,
  client: Client,
  until: Instant,
  { path, subject, ...wish }: Wanted,
): Promise<KeyPair> {
  const key = (await readPair(path))?.key ?? await readText(`${path}.key`) ?? await newKey(path);
  const request = await createRequest(key, subject);
  const ask = async () => {
    try {
      return await requestCertificate(client, { ...wish, request }, options);
    } catch (error) {
      const isLast = error instanceof CertificateRefused || error instanceof CertificateUnanswered;
      throw isLast ? new JoinError(error.message) : error;
    }
  };
  // Asking twice does no harm: a request that nobody waits for is signed or not, and removed.
  return { key, cert: await patiently(options, until, ask) };
}

async function newKey(path: string): Promise<string> {
  const key = await createKey();
  await writeAtomic(`${path}.key`, key);
  return key;
}

async function fetchSettings(client: Client, options: JoinOptions): Promise<ClusterSettings> {
  const response = await client.raw(
    "GET",
    `/api/v1/namespaces/${settingsMap.namespace}/${ConfigMap.plural}/${settingsMap.name}`,
  );
  checkClock(response.headers.get("date"), options.clock);
  const map = await response.json();
  try {
    return readSettings(map);
  } catch (error) {
    throw new JoinError(`${(error as Error).message}: do both hosts run the same version of Sauropod?`);
  }
}

function checkClock(date: string | null, clock: Clock): void {
  const skew = clock.now() - Date.parse(date ?? "");
  if (!(Math.abs(skew) > limits.clockSkewMaxMs)) return;
  const minutes = Math.round(Math.abs(skew) / 60_000);
  throw new JoinError(
    `this host's clock is ${minutes} minutes ${skew > 0 ? "ahead of" : "behind"} the server's: ` +
      "set the clocks of both hosts (NTP) and start again",
  );
}

/** Tries again until `until` what fails because the server is not there or not ready yet, and says so now and then. */
async function patiently<T>(options: JoinOptions, until: number, attempt: () => Promise<T>): Promise<T> {
  const { clock, say, signal, join: { server } } = options;
  let spoken = clock.now();
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isPassing(error)) throw explained(error, options);
      const why = (error as Error).message;
      if (clock.now() >= until || signal?.aborted) {
        throw new JoinError(
          `${server} could not be reached within ${limits.joinReachMs / 1000} s: ${why}. ` +
            "Is `deno task start` running on the first host, and does no firewall keep its port from this one?",
        );
      }
      if (clock.now() - spoken >= limits.joinProgressMs) {
        spoken = clock.now();
        say(`  joining    ${server}: ${why}; trying for another ${Math.round((until - spoken) / 1000)} s`);
      }
      await sleep(clock, limits.joinRetryMs, signal);
    }
  }
}

/** No answer, an answer from a server that is starting, or settings that its first controllers have not written yet. */
function isPassing(error: unknown): boolean {
  if (error instanceof JoinError) return false;
  if (!(error instanceof StatusError)) return true;
  return error.code >= 500 || error.code === 429 || isReason(error, "NotFound");
}

/** What the server's refusal means for who joins. */
function explained(error: unknown, { join }: JoinOptions): unknown {
  if (!(error instanceof StatusError) || (error.code !== 401 && error.code !== 403)) return error;
  const { id } = join.token;
  const fresh = "make a fresh join string on the first host with `deno task -q token create`";
  if (error.code === 403) {
    return new JoinError(`the cluster does not let token ${id} join a node: ${error.message}; ${fresh}`);
  }
  const why = error.message === "Unauthorized"
    ? `the cluster does not know token ${id}: it was revoked, has expired and been removed, or was not copied right`
    : error.message;
  return new JoinError(`${why}; ${fresh}`);
}
