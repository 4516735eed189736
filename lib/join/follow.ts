/** A transport whose credentials are looked at again from time to time: they are renewed while the process runs. */
import { getLogger } from "log";
import { apiSilenceMs, credentialsRereadMs } from "../limits.ts";
import { type Clock, sleep } from "../seams/clock.ts";
import { readText } from "../seams/files.ts";
import type { Transport } from "../client/client.ts";
import { type Access, httpsTransport, parseKubeconfig } from "../client/kubeconfig.ts";

const logger = getLogger(["sauropod", "client"]);

export interface Followed {
  readonly transport: Transport;
  /** What it uses now. */
  access(): Access;
  /** Looks now. */
  reread(): Promise<void>;
  /** Makes its connections anew: those of an address that this host no longer has lead nowhere, and nobody says so. */
  reconnect(): void;
  close(): void;
}

/** Reads until the signal aborts. Rejects when nothing can be read at first; later it keeps what it has. */
export async function followAccess(
  read: () => Promise<Access>,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<Followed> {
  let access = await read();
  let current = httpsTransport(access, { silenceMs: apiSilenceMs });
  const reconnect = () => {
    const old = current;
    current = httpsTransport(access, { silenceMs: apiSilenceMs });
    // Watches begin anew, with new credentials.
    old.close();
  };
  const reread = async () => {
    const now = await read();
    if (JSON.stringify(now) === JSON.stringify(access)) return;
    access = now;
    reconnect();
    logger.info("the credentials for the API were renewed");
  };
  void (async () => {
    while (!signal.aborted) {
      await sleep(clock, credentialsRereadMs, signal);
      if (signal.aborted) break;
      await reread().catch((error) => {
        logger.warn("the credentials for the API could not be read again: {error}", { error: String(error) });
      });
    }
  })();
  return {
    transport: (request) => current(request),
    access: () => access,
    reread,
    reconnect,
    close: () => current.close(),
  };
}

/** The access of a kubeconfig file. Throws when there is none. */
export async function readKubeconfig(path: string): Promise<Access> {
  const text = await readText(path);
  if (text === undefined) throw new Error(`${path}: there is no such file`);
  return parseKubeconfig(text);
}
