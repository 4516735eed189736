/**
 * The files with which the components of this host know each other, below the data directory: made at first start, made anew when
 * a third of their life is left or when the host's addresses changed; agent and proxy renew their own, as on every node. `pki/ca.key` never leaves the host.
 */
import { X509Certificate } from "node:crypto";
import { kubeconfigText } from "../../lib/client/kubeconfig.ts";
import { nodesGroup, nodeUserPrefix, proxiesGroup, proxyUserPrefix, servingNames } from "../../lib/join/signers.ts";
import { readPair, writePair } from "../../lib/pki/pair_file.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { readText, writeAtomic } from "../../lib/seams/files.ts";
import type { Random } from "../../lib/seams/random.ts";
import { newTokenKey } from "../auth/tokens/jwt.ts";
import {
  type Authority,
  commonNameOf,
  createAuthority,
  isDue,
  isOutOfDate,
  type KeyPair,
  type LeafOptions,
  loadAuthority,
  namesOf,
  type Subject,
} from "./pki.ts";

export interface CredentialOptions {
  dataDir: string;
  /** Where other hosts reach the API server. */
  advertiseAddress: string;
  port: number;
  /** First address of the service range: the `kubernetes` Service. */
  serviceAddress: string;
  clusterDomain: string;
  /** The node on this host. Absent: no agent and no proxy here. */
  nodeName?: string;
  nodeAddress?: string;
  clock: Clock;
  random: Random;
}

export interface Credentials {
  clusterId: string;
  /** Tells this API server from others of the cluster. */
  serverId: string;
  authority: Authority;
  adminToken: string;
  /** PEM: signs the tokens of service accounts. Never leaves the host. */
  tokenKeys: string;
  /** Serves the API. */
  server: KeyPair;
  /** How the API server shows itself to agents. */
  client: KeyPair;
}

/** Makes sure of every file and answers what the API server itself needs. Safe to call again, which renews what is due. */
export async function ensureCredentials(options: CredentialOptions): Promise<Credentials> {
  const { dataDir, clock, random } = options;
  for (const dir of ["", "/pki", "/agent", "/proxy", "/apiserver"]) {
    await Deno.mkdir(dataDir + dir, { recursive: true, mode: 0o700 });
    await Deno.chmod(dataDir + dir, 0o700);
  }
  const clusterId = await once(`${dataDir}/cluster-id`, () => hex(random.bytes(4)));
  const serverId = await once(`${dataDir}/apiserver/server-id`, () => hex(random.bytes(8)));
  const adminToken = await once(`${dataDir}/apiserver/admin.token`, () => hex(random.bytes(32)));
  const tokenKeys = await once(`${dataDir}/pki/sa.key`, newTokenKey);
  const authority = await loadAuthority(await authorityFiles(options), clock, random);
  const pair = (path: string, subject: Subject, leaf: LeafOptions) =>
    ensureLeaf(`${dataDir}/${path}`, authority, { subject, leaf, worn: (cert) => isDue(cert, clock.now()) });
  // Agent and proxy renew their own, as on every node; what they could not renew in time is made anew here.
  const guest = (path: string, subject: Subject, leaf: LeafOptions) =>
    ensureLeaf(`${dataDir}/${path}`, authority, {
      subject,
      leaf,
      worn: (cert) => isOutOfDate(cert, clock.now()) || commonNameOf(cert) !== subject.commonName,
    });

  const server = await pair("pki/apiserver", { commonName: "kube-apiserver" }, {
    usage: "server",
    names: serverNames(options),
  });
  const client = await pair("pki/apiserver-client", {
    commonName: "kube-apiserver-kubelet-client",
    organizations: ["system:masters"],
  }, { usage: "client" });
  const local = { server: `https://127.0.0.1:${options.port}`, ca: authority.cert };
  const cluster = `sauropod-${clusterId}`;
  const admin = {
    server: serverAddress(options),
    ca: authority.cert,
    token: adminToken,
  };
  await writeWhenChanged(`${dataDir}/kubeconfig`, kubeconfigText(admin, { cluster, user: "admin" }));
  if (options.nodeName !== undefined) {
    const node = await guest("agent/client", {
      commonName: nodeUserPrefix + options.nodeName,
      organizations: [nodesGroup],
    }, { usage: "client" });
    await guest("agent/server", { commonName: nodeUserPrefix + options.nodeName, organizations: [nodesGroup] }, {
      usage: "server",
      names: servingNames(options.nodeName, options.nodeAddress ?? options.advertiseAddress),
    });
    await writeWhenChanged(
      `${dataDir}/agent/kubeconfig`,
      kubeconfigText({ ...local, ...node }, { cluster, user: "agent" }),
    );
    const proxy = await guest("proxy/client", {
      commonName: proxyUserPrefix + options.nodeName,
      organizations: [proxiesGroup],
    }, { usage: "client" });
    await writeWhenChanged(
      `${dataDir}/proxy/kubeconfig`,
      kubeconfigText({ ...local, ...proxy }, { cluster, user: "proxy" }),
    );
  }
  return { clusterId, serverId, authority, adminToken, tokenKeys, server, client };
}

function serverNames(options: CredentialOptions): string[] {
  const service = [
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    `kubernetes.default.svc.${options.clusterDomain}`,
  ];
  const addresses = ["127.0.0.1", options.advertiseAddress, options.serviceAddress];
  return [...new Set(["localhost", ...service, ...addresses, ...(options.nodeName ? [options.nodeName] : [])])];
}

/** Where other hosts reach the API. */
export function serverAddress(
  { advertiseAddress, port }: Pick<CredentialOptions, "advertiseAddress" | "port">,
): string {
  return `https://${bracket(advertiseAddress)}:${port}`;
}

const bracket = (address: string) => address.includes(":") ? `[${address}]` : address;
const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

async function once(path: string, make: () => string): Promise<string> {
  const present = (await readText(path))?.trim();
  if (present !== undefined && present !== "") return present;
  const text = make();
  await writeAtomic(path, text + "\n");
  return text;
}

async function authorityFiles({ dataDir, clock, random }: CredentialOptions): Promise<KeyPair> {
  const [cert, key] = [await readText(`${dataDir}/pki/ca.crt`), await readText(`${dataDir}/pki/ca.key`)];
  if (cert !== undefined && key !== undefined) return { cert, key };
  if (cert !== undefined || key !== undefined) {
    // Making a new one would lock out every node and client of the old one.
    throw new Error(`${dataDir}/pki: only one of ca.crt and ca.key is there; restore the other one from your backup`);
  }
  const made = await createAuthority("sauropod-ca", clock.now(), random);
  await writeAtomic(`${dataDir}/pki/ca.key`, made.key);
  await writeAtomic(`${dataDir}/pki/ca.crt`, made.cert, 0o644);
  return made;
}

interface Leaf {
  subject: Subject;
  leaf: LeafOptions;
  /** Is it time for another one? */
  worn(cert: string): boolean;
}

async function ensureLeaf(path: string, authority: Authority, { subject, leaf, worn }: Leaf): Promise<KeyPair> {
  const present = await readPair(path);
  const sameNames = (cert: string) => {
    const names = new Set(namesOf(cert));
    return (leaf.names ?? []).every((name) => names.has(name));
  };
  // One of another authority is left over from before this host was given that of its cluster.
  const ours = (cert: string) => new X509Certificate(cert).verify(new X509Certificate(authority.cert).publicKey);
  if (present !== undefined && !worn(present.cert) && sameNames(present.cert) && ours(present.cert)) return present;
  const made = await authority.issue(subject, leaf);
  await writePair(path, made);
  return made;
}

async function writeWhenChanged(path: string, text: string): Promise<void> {
  if (await readText(path) !== text) await writeAtomic(path, text);
}
