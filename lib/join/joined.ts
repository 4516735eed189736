/** What a host keeps of having joined: that it did, whom it joined, and the files with its credentials. */
import { type Access, kubeconfigText } from "../client/kubeconfig.ts";
import { commonNameOf, isOutOfDate, publicKeyHash } from "../pki/certificate.ts";
import { type KeyPair, readPair, writePair } from "../pki/pair_file.ts";
import type { Instant } from "../seams/clock.ts";
import { readText, writeAtomic } from "../seams/files.ts";
import { JoinError } from "./join_error.ts";
import type { ClusterSettings } from "./settings.ts";
import { nodeUserPrefix } from "./signers.ts";

export interface Joined {
  /** `https://host:port` */
  readonly server: string;
  readonly nodeName: string;
  readonly settings: ClusterSettings;
}

/** Its presence says that everything else is there. */
const markerOf = (dataDir: string) => `${dataDir}/joined.json`;
const authorityOf = (dataDir: string) => `${dataDir}/pki/ca.crt`;

/** The paths of a component's credentials below the data directory; the same on the first host. */
export function credentialPaths(dataDir: string, component: "agent" | "proxy") {
  const dir = `${dataDir}/${component}`;
  return { client: `${dir}/client`, serving: `${dir}/server`, kubeconfig: `${dir}/kubeconfig` };
}

/** Writes a component's client certificate as pair and kubeconfig. */
export async function writeClient(
  paths: { client: string; kubeconfig: string },
  access: Pick<Access, "server" | "ca">,
  pair: KeyPair,
): Promise<void> {
  await writePair(paths.client, pair);
  const user = commonNameOf(pair.cert) ?? "node";
  await writeAtomic(paths.kubeconfig, kubeconfigText({ ...access, ...pair }, { cluster: "sauropod", user }));
}

export interface JoinResult extends Joined {
  readonly ca: string;
  readonly agent: KeyPair;
  readonly serving: KeyPair;
  readonly proxy: KeyPair;
}

export async function makeDirectories(dataDir: string): Promise<void> {
  for (const dir of ["", "/pki", "/agent", "/proxy"]) {
    await Deno.mkdir(dataDir + dir, { recursive: true, mode: 0o700 });
    await Deno.chmod(dataDir + dir, 0o700);
  }
}

export async function writeJoined(dataDir: string, result: JoinResult): Promise<void> {
  const { server, nodeName, settings, ca } = result;
  await writeAtomic(authorityOf(dataDir), ca, 0o644);
  await writeAtomic(`${dataDir}/cluster-id`, settings.clusterId + "\n");
  const agent = credentialPaths(dataDir, "agent");
  await writeClient(agent, { server, ca }, result.agent);
  await writePair(agent.serving, result.serving);
  await writeClient(credentialPaths(dataDir, "proxy"), { server, ca }, result.proxy);
  await writeAtomic(markerOf(dataDir), JSON.stringify({ server, nodeName, settings } satisfies Joined, null, 2) + "\n");
}

/** Whom this host joined; `undefined` when it never did. */
export async function readJoined(dataDir: string): Promise<Joined | undefined> {
  const text = await readText(markerOf(dataDir));
  return text === undefined ? undefined : JSON.parse(text) as Joined;
}

/** The first host has another address now: everything speaks to that from the next start on. */
export async function moveServer(dataDir: string, joined: Joined, server: string): Promise<Joined> {
  const ca = await readText(authorityOf(dataDir));
  for (const component of ["agent", "proxy"] as const) {
    const paths = credentialPaths(dataDir, component);
    const pair = await readPair(paths.client);
    if (ca !== undefined && pair !== undefined) await writeClient(paths, { server, ca }, pair);
  }
  const moved = { ...joined, server };
  await writeAtomic(markerOf(dataDir), JSON.stringify(moved, null, 2) + "\n");
  return moved;
}

/** Throws JoinError when the data directory is that of a first host. */
export async function refuseServer(dataDir: string): Promise<void> {
  if (await readText(`${dataDir}/pki/ca.key`) === undefined) return;
  throw new JoinError(
    `${dataDir} holds a cluster of its own: this host can't join another one with it. ` +
      "`deno task reset` removes that cluster and everything in it; --data-dir names another directory",
  );
}

/** Is there an authority of another key than the join string's? */
export async function isOtherCluster(dataDir: string, caHash: string): Promise<boolean> {
  const ca = await readText(authorityOf(dataDir));
  return ca !== undefined && publicKeyHash(ca) !== caHash;
}

/** Why the credentials of a host that joined are of no use; `undefined` when they are. */
export async function credentialTrouble(
  dataDir: string,
  { nodeName }: Joined,
  now: Instant,
): Promise<string | undefined> {
  for (const component of ["agent", "proxy"] as const) {
    const pair = await readPair(credentialPaths(dataDir, component).client);
    if (pair === undefined) return `the ${component}'s certificate is not there`;
    if (isOutOfDate(pair.cert, now)) return `the ${component}'s certificate is out of date`;
    if (component === "agent" && commonNameOf(pair.cert) !== nodeUserPrefix + nodeName) {
      return `the agent's certificate is not for node ${nodeName}`;
    }
  }
  if (await readPair(credentialPaths(dataDir, "agent").serving) === undefined) {
    return "the agent's serving certificate is not there";
  }
  return undefined;
}
