/**
 * Keeps certificates from running out: asks for a new one, with a new key, in the last third of the old one's life. Runs in the process
 * that uses the certificate; who reads the files takes up the new one by itself.
 */
import { getLogger } from "log";
import type { Client } from "../client/client.ts";
import * as limits from "../limits.ts";
import { lifetimeOf, namesOf } from "../pki/certificate.ts";
import { type KeyPair, type PairFiles, readPair, writePair } from "../pki/pair_file.ts";
import { backoffMs } from "../queue/backoff.ts";
import { type Clock, type Instant, sleep } from "../seams/clock.ts";
import type { Random } from "../seams/random.ts";
import { clientUsages, requestCertificate, servingUsages } from "./certificate_request.ts";
import { type Followed, readKubeconfig } from "./follow.ts";
import { writeClient } from "./joined.ts";
import * as signers from "./signers.ts";

/** One certificate that is kept current. */
export interface KeptCertificate {
  /** For people: `the agent's client certificate`. */
  readonly what: string;
  readonly signer: string;
  readonly usages: readonly string[];
  readonly subject: { commonName: string; organizations: readonly string[]; names?: readonly string[] };
  /** The one in use; `undefined` when there is none that could be renewed. */
  read(): Promise<KeyPair | undefined>;
  install(pair: KeyPair): Promise<void>;
}

export interface RenewalOptions {
  readonly client: Client;
  /** Says who asks. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
}

const logger = getLogger(["sauropod", "certificates"]);
const retry = { baseMs: limits.renewalRetryMinMs, maxMs: limits.renewalRetryMaxMs };

/**
 * When a certificate is to be replaced: `chance` (0 to 1) spreads those of nodes that joined together. At once when it lacks a name. Pure.
 */
export function renewAt(cert: string, names: readonly string[], chance: number): Instant {
  const { from, to } = lifetimeOf(cert);
  const present = new Set(namesOf(cert));
  if (names.some((name) => !present.has(name))) return from;
  const { renewalShare: share } = limits;
  return from + (to - from) * (share.from + (share.to - share.from) * chance);
}

/** Renews one certificate whenever it is time, until the signal aborts. Never rejects. */
export async function keepCertificate(kept: KeptCertificate, options: RenewalOptions): Promise<void> {
  const { clock, random, signal } = options;
  const chance = random.number();
  for (let failures = 0; !signal.aborted;) {
    let wait = limits.certificateCheckMs;
    try {
      const pair = await kept.read();
      // Who uses a token, or a certificate of somebody else's making, has nothing to renew.
      if (pair === undefined) return;
      const due = renewAt(pair.cert, kept.subject.names ?? [], chance);
      if (due <= clock.now()) {
        await renew(kept, options);
        failures = 0;
        continue;
      }
      wait = Math.min(wait, due - clock.now());
    } catch (error) {
      if (signal.aborted) return;
      wait = backoffMs(retry, failures++);
      logger.warn("{what} could not be renewed: {error}; again in {wait} s", {
        what: kept.what,
        error: String(error),
        wait: Math.round(wait / 1000),
      });
    }
    await sleep(clock, wait, signal);
  }
}

async function renew(kept: KeptCertificate, options: RenewalOptions): Promise<void> {
  const { client, annotations, clock, signal } = options;
  // Loaded when it is needed, once in months: an idle agent does without an X.509 library in its memory.
  const { createKey, createRequest } = await import("../pki/request.ts");
  const key = await createKey();
  const request = await createRequest(key, kept.subject);
  const wish = { signer: kept.signer, usages: kept.usages, request, annotations };
  const cert = await requestCertificate(client, wish, { clock, signal });
  await kept.install({ cert, key });
  logger.info("{what} was renewed: good until {until}", {
    what: kept.what,
    until: new Date(lifetimeOf(cert).to).toISOString(),
  });
}

export interface ClientFiles {
  readonly kubeconfig: string;
  /** Path of the pair, without `.crt` and `.key`. */
  readonly client: string;
  readonly followed: Pick<Followed, "access" | "reread">;
}

/** A client certificate that stands in a kubeconfig. */
function keptClient(what: string, { kubeconfig, client, followed }: ClientFiles): Pick<
  KeptCertificate,
  "what" | "usages" | "read" | "install"
> {
  return {
    what,
    usages: clientUsages,
    async read() {
      const { cert, key } = await readKubeconfig(kubeconfig);
      return cert === undefined || key === undefined ? undefined : { cert, key };
    },
    async install(pair) {
      const { server, ca } = followed.access();
      await writeClient({ kubeconfig, client }, { server, ca }, pair);
      await followed.reread();
    },
  };
}

/** The agent's client certificate and the one that it serves with. */
export function agentCertificates(
  nodeName: string,
  { files, serving, names }: { files: ClientFiles; serving: PairFiles; names: readonly string[] },
): KeptCertificate[] {
  const subject = { commonName: signers.nodeUserPrefix + nodeName, organizations: [signers.nodesGroup] };
  return [
    { ...keptClient("the agent's client certificate", files), signer: signers.nodeClientSigner, subject },
    {
      what: "the agent's serving certificate",
      signer: signers.nodeServingSigner,
      usages: servingUsages,
      subject: { ...subject, names },
      read: () => readPair(serving),
      install: (pair) => writePair(serving, pair),
    },
  ];
}

/** The proxy's client certificate. */
export function proxyCertificates(nodeName: string, files: ClientFiles): KeptCertificate[] {
  const subject = { commonName: signers.proxyUserPrefix + nodeName, organizations: [signers.proxiesGroup] };
  return [{ ...keptClient("the proxy's client certificate", files), signer: signers.proxyClientSigner, subject }];
}

/** Keeps all of them until the signal aborts. */
export async function keepCertificates(kept: readonly KeptCertificate[], options: RenewalOptions): Promise<void> {
  await Promise.all(kept.map((one) => keepCertificate(one, options)));
}
