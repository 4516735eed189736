/**
 * Keeps the certificates of this API server from running out, while it serves; agents, proxies and hosts that joined keep their own
 * (lib/join/renewal.ts). Says what is due, and warns long before the authority ends, which nobody can renew without all hosts.
 */
import { getLogger } from "log";
import { authorityWarnMs, certificateCheckMs } from "../../lib/limits.ts";
import { lifetimeOf } from "../../lib/pki/certificate.ts";
import { type Clock, type Instant, sleep } from "../../lib/seams/clock.ts";
import { type CredentialOptions, type Credentials, ensureCredentials } from "./credentials.ts";

const logger = getLogger(["sauropod", "certificates"]);
const dayMs = 86_400_000;

/** Calls `use` with what was renewed, until the signal aborts. Never rejects. */
export async function keepCredentials(
  options: CredentialOptions,
  { present, use, signal }: { present: Credentials; use(renewed: Credentials): void; signal: AbortSignal },
): Promise<void> {
  const { clock } = options;
  let current = present;
  let warned = -Infinity;
  while (!signal.aborted) {
    const now = clock.now();
    const warning = authorityWarning(current.authority.cert, now);
    if (warning !== undefined && now - warned >= dayMs) {
      warned = now;
      logger.warn(warning);
    }
    await sleep(clock, certificateCheckMs, signal);
    if (signal.aborted) return;
    try {
      const next = await ensureCredentials(options);
      if (next.server.cert === current.server.cert && next.client.cert === current.client.cert) continue;
      current = next;
      use(next);
      for (const [name, until] of expiries(next)) {
        logger.info("the certificate {name} is good until {until}", { name, until: dateOf(until) });
      }
    } catch (error) {
      logger.error("could not renew the certificates: {error}", { error: String(error) });
    }
  }
}

/** When each certificate of the server ends: in the order in which that would hurt. */
export function expiries({ authority, server, client }: Pick<Credentials, "authority" | "server" | "client">) {
  const ends: [name: string, until: Instant][] = [
    ["apiserver", lifetimeOf(server.cert).to],
    ["apiserver-client", lifetimeOf(client.cert).to],
    ["ca", lifetimeOf(authority.cert).to],
  ];
  return ends;
}

const dateOf = (at: Instant) => new Date(at).toISOString().slice(0, 10);

/** What to say of an authority that ends within a year; undefined when it has longer. */
export function authorityWarning(cert: string, now: Instant): string | undefined {
  const { to } = lifetimeOf(cert);
  if (to - now > authorityWarnMs) return undefined;
  const days = Math.floor((to - now) / dayMs);
  return `the cluster's certificate authority ends on ${dateOf(to)}, in ${days} days: replace it before ` +
    "(docs/certificates.md), afterwards no host and no kubectl gets in";
}

/** A line for `/livez?verbose`: until when each is good. Throws when one is not any longer. */
export function certificateHealth(credentials: Parameters<typeof expiries>[0], clock: Pick<Clock, "now">): string {
  const ends = expiries(credentials);
  const over = ends.find(([, until]) => until <= clock.now());
  if (over !== undefined) throw new Error(`the certificate ${over[0]} ended on ${dateOf(over[1])}`);
  const warning = authorityWarning(credentials.authority.cert, clock.now());
  return ends.map(([name, until]) => `${name} until ${dateOf(until)}`).join(", ") +
    (warning === undefined ? "" : `; ${warning}`);
}
