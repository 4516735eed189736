/** Waits until the cluster is what it is to be: asks again soon, because nothing can be watched before there is a server. */
import { type Client, createClient } from "../client/client.ts";
import { httpsTransport, parseKubeconfig } from "../client/kubeconfig.ts";
import { sleep, systemClock } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";
import type { Kind, KubeObject } from "../kind.ts";
import { isReason } from "../status.ts";
import type { Lease } from "../types/coordination_v1.ts";
import type { Node } from "../types/core_v1.ts";
import { Lease as LeaseKind, Node as NodeKind } from "../types/kinds.ts";
import { readKubeconfig } from "../join/follow.ts";
import { credentialPaths } from "../join/joined.ts";
import type { StartConfig } from "./config.ts";

const askEveryMs = 25;
/** Long, because a large store takes its time to load; a component that cannot start says so on its own. */
const readyTimeoutMs = 120_000;

/** Resolves with an admin client when `/readyz` says ok. Throws after two minutes, with the last answer. */
export async function waitForApi(config: StartConfig): Promise<Client> {
  const path = `${config.dataDir}/kubeconfig`;
  const until = systemClock.now() + readyTimeoutMs;
  let last = "no answer";
  while (systemClock.now() < until) {
    const text = await readText(path);
    if (text !== undefined) {
      const transport = httpsTransport({ ...parseKubeconfig(text), server: `https://127.0.0.1:${config.port}` });
      const client = createClient(transport, { userAgent: "sauropod-supervisor" });
      try {
        await client.raw("GET", "/readyz");
        return client;
      } catch (error) {
        last = (error as Error).message;
        transport.close();
      }
    }
    await sleep(systemClock, askEveryMs);
  }
  throw new Error(`the API server did not become ready within ${readyTimeoutMs / 1000} s: ${last}`);
}

/** Resolves when the node's agent lives, by its Lease, and the condition Ready is True. */
export async function waitForNode(client: Client, name: string): Promise<void> {
  const begun = systemClock.now();
  let why = "its agent does not renew its lease";
  // A Node that is there from before says nothing about today's agent.
  const lives = (lease: Lease) => Date.parse(lease.spec.renewTime ?? "") >= begun;
  const isReady = (node: Node) => {
    const condition = node.status.conditions?.find(({ type }) => type === "Ready");
    why = condition?.message ?? "it has not said whether it is ready";
    return condition?.status === "True";
  };
  const deadline = AbortSignal.timeout(readyTimeoutMs);
  const namespace = "kube-node-lease";
  const there = await waitFor(client, LeaseKind, { namespace, name }, lives, deadline) &&
    await waitFor(client, NodeKind, { name }, isReady, deadline);
  if (!there) throw new Error(`node ${name} did not become Ready within ${readyTimeoutMs / 1000} s: ${why}`);
}

/** Between two looks of a worker at what it is to the cluster, and between two lines about it. ms */
const ownAskMs = 100;
const ownSayMs = 10_000;

/**
 * The same for a worker, with its agent's credentials: a node reads its own Lease and no list of them. The first host may be away when
 * this one starts again: then it says so now and then, until the signal aborts.
 */
export async function waitForOwnNode(
  config: Pick<StartConfig, "dataDir" | "nodeName">,
  { say, signal }: { say(line: string): void; signal: AbortSignal },
): Promise<boolean> {
  const transport = httpsTransport(await readKubeconfig(credentialPaths(config.dataDir, "agent").kubeconfig));
  const client = createClient(transport, { userAgent: "sauropod-supervisor" });
  const begun = systemClock.now();
  let spoken = begun;
  try {
    while (!signal.aborted) {
      const why = await ownTrouble(client, config.nodeName, begun).catch((error) => (error as Error).message);
      if (why === undefined) return true;
      if (systemClock.now() - spoken >= ownSayMs) {
        spoken = systemClock.now();
        say(`  waiting    node ${config.nodeName} is not Ready yet: ${why}`);
      }
      await sleep(systemClock, ownAskMs, signal);
    }
    return false;
  } finally {
    transport.close();
  }
}

async function ownTrouble(client: Client, name: string, begun: number): Promise<string | undefined> {
  const lease = await client.get(LeaseKind, { namespace: "kube-node-lease", name }).catch((error) => {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  });
  if (!(Date.parse(lease?.spec.renewTime ?? "") >= begun)) return "its agent does not renew its lease";
  const { status } = await client.get(NodeKind, { name });
  const condition = status.conditions?.find(({ type }) => type === "Ready");
  if (condition?.status === "True") return undefined;
  return condition?.message ?? "it has not said whether it is ready";
}

/** Watches one object until it is as wanted; false when the time is over. */
async function waitFor<T extends KubeObject>(
  client: Client,
  kind: Kind<T>,
  { namespace, name }: { namespace?: string; name: string },
  is: (object: T) => boolean,
  deadline: AbortSignal,
): Promise<boolean> {
  while (!deadline.aborted) {
    const which = { namespace, fieldSelector: `metadata.name=${name}` };
    const list = await client.list(kind, which);
    if (list.items.some(is)) return true;
    const { resourceVersion } = list.metadata;
    for await (const event of client.watch(kind, { ...which, resourceVersion, timeoutSeconds: 10 }, deadline)) {
      if (event.type !== "DELETED" && is(event.object)) return true;
    }
  }
  return false;
}
