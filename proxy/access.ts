/** The connection to the API. Credentials are read again when their files change: they are renewed while we run. */
import type { Access } from "../lib/client/kubeconfig.ts";
import { followAccess, type Followed, readKubeconfig } from "../lib/join/follow.ts";
import { type KeptCertificate, proxyCertificates } from "../lib/join/renewal.ts";
import { readText } from "../lib/seams/files.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { AccessConfig, ProxyConfig } from "./config.ts";

async function required(path: string): Promise<string> {
  const content = await readText(path);
  if (content === undefined) throw new Error(`${path}: there is no such file`);
  return content;
}

async function readAccess(config: AccessConfig): Promise<Access> {
  if (config.kind === "kubeconfig") return await readKubeconfig(config.path);
  const { server, ca, cert, key, token } = config;
  return {
    server,
    ca: await required(ca),
    ...(token === undefined ? {} : { token: (await required(token)).trim() }),
    ...(cert === undefined || key === undefined ? {} : { cert: await required(cert), key: await required(key) }),
  };
}

/** A transport that follows its files until the signal aborts. Rejects when they can't be read at first. */
export async function openAccess(config: AccessConfig, clock: Clock, signal: AbortSignal): Promise<Followed> {
  const followed = await followAccess(() => readAccess(config), { clock, signal });
  signal.addEventListener("abort", () => followed.close(), { once: true });
  return followed;
}

/** What the proxy renews before it runs out: a certificate that stands in its kubeconfig. */
export function certificatesOf({ access, nodeName, dataDir }: ProxyConfig, followed: Followed): KeptCertificate[] {
  if (access.kind !== "kubeconfig" || dataDir === undefined) return [];
  return proxyCertificates(nodeName, { kubeconfig: access.path, client: `${dataDir}/client`, followed });
}
