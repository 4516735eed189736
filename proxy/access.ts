/** The connection to the API. Credentials are read again when their files change: they are renewed while we run. */
import { getLogger } from "log";
import type { Transport } from "../lib/client/client.ts";
import { type Access, httpsTransport, parseKubeconfig } from "../lib/client/kubeconfig.ts";
import { readText } from "../lib/seams/files.ts";
import { type Clock, sleep } from "../lib/seams/clock.ts";
import type { AccessConfig } from "./config.ts";

const logger = getLogger(["sauropod", "proxy"]);
const rereadMs = 60_000;

async function required(path: string): Promise<string> {
  const content = await readText(path);
  if (content === undefined) throw new Error(`${path}: there is no such file`);
  return content;
}

async function readAccess(config: AccessConfig): Promise<Access> {
  if (config.kind === "kubeconfig") return parseKubeconfig(await required(config.path));
  const { server, ca, cert, key, token } = config;
  return {
    server,
    ca: await required(ca),
    ...(token === undefined ? {} : { token: (await required(token)).trim() }),
    ...(cert === undefined || key === undefined ? {} : { cert: await required(cert), key: await required(key) }),
  };
}

/** A transport that follows its files until the signal aborts. Rejects when they can't be read at first. */
export async function openAccess(config: AccessConfig, clock: Clock, signal: AbortSignal): Promise<Transport> {
  let access = await readAccess(config);
  let transport = httpsTransport(access);
  void (async () => {
    while (!signal.aborted) {
      await sleep(clock, rereadMs, signal);
      if (signal.aborted) break;
      try {
        const now = await readAccess(config);
        if (JSON.stringify(now) === JSON.stringify(access)) continue;
        const old = transport;
        access = now;
        transport = httpsTransport(now);
        // Watches begin anew with the new credentials.
        old.close();
        logger.info("the credentials for the API were renewed");
      } catch (error) {
        logger.warn("the credentials for the API could not be read again: {error}", { error: String(error) });
      }
    }
    transport.close();
  })();
  return (request) => transport(request);
}
