/** Waits until the cluster is what it is to be: asks again soon, because nothing can be watched before there is a server. */
import { type Client, createClient } from "../client/client.ts";
import { httpsTransport, parseKubeconfig } from "../client/kubeconfig.ts";
import { sleep, systemClock } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";
import { Node } from "../types/kinds.ts";
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

/** Resolves when the node's condition Ready is True. */
export async function waitForNode(client: Client, name: string): Promise<void> {
  const deadline = AbortSignal.timeout(readyTimeoutMs);
  let why = "it has not registered";
  while (!deadline.aborted) {
    const list = await client.list(Node, { fieldSelector: `metadata.name=${name}` });
    const isReady = (node: typeof list.items[number]) => {
      const condition = node.status.conditions?.find(({ type }) => type === "Ready");
      why = condition?.message ?? why;
      return condition?.status === "True";
    };
    if (list.items.some(isReady)) return;
    const selector = { fieldSelector: `metadata.name=${name}`, resourceVersion: list.metadata.resourceVersion };
    for await (const event of client.watch(Node, { ...selector, timeoutSeconds: 10 }, deadline)) {
      if (isReady(event.object)) return;
    }
  }
  throw new Error(`node ${name} did not become Ready within ${readyTimeoutMs / 1000} s: ${why}`);
}
