/**
 * What a certificate says, read with what the runtime brings: for processes that look at certificates and make none. Leaves out
 * making and signing, which load an X.509 library: request.ts, and the API server's pki.
 */
import { createHash, X509Certificate } from "node:crypto";
import type { Instant } from "../seams/clock.ts";

/** From when to when a certificate (PEM; of several the first) is good. */
export function lifetimeOf(cert: string): { from: Instant; to: Instant } {
  const { validFrom, validTo } = new X509Certificate(cert);
  return { from: Date.parse(validFrom), to: Date.parse(validTo) };
}

/** Not after, ms since 1970. */
export function expiry(cert: string): Instant {
  return lifetimeOf(cert).to;
}

/** True when less than a third of a certificate's life is left. */
export function isDue(cert: string, now: Instant): boolean {
  const { from, to } = lifetimeOf(cert);
  return now > to - (to - from) / 3;
}

/** True when it is over, or has not begun. */
export function isOutOfDate(cert: string, now: Instant): boolean {
  const { from, to } = lifetimeOf(cert);
  return now >= to || now < from;
}

/** The IP addresses and DNS names that a certificate is for. */
export function namesOf(cert: string): string[] {
  const text = new X509Certificate(cert).subjectAltName;
  return text === undefined ? [] : text.split(", ").map((entry) => entry.slice(entry.indexOf(":") + 1));
}

/** The common name of the subject; `undefined` when it has none. */
export function commonNameOf(cert: string): string | undefined {
  return /^CN=(.*)$/m.exec(new X509Certificate(cert).subject)?.[1];
}

/** SHA-256 of a certificate's public key (SPKI), hex: what a join string pins (RFC 7469), as kubeadm's --discovery-token-ca-cert-hash. */
export function publicKeyHash(cert: string | Uint8Array): string {
  const spki = new X509Certificate(cert).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}
