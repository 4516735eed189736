/** From the certificates that a server shows to the one authority that is trusted from then on. Pure. */
import { X509Certificate } from "node:crypto";
import { lifetimeOf, publicKeyHash } from "../pki/certificate.ts";
import type { Instant } from "../seams/clock.ts";
import { JoinError } from "./join_error.ts";

/**
 * The authority's certificate (PEM) out of the chain (DER, the server's own first). Throws a JoinError when none has a key of that hash,
 * when it did not sign the server's certificate, and when this host's clock says that the certificate is not good now.
 */
export function pinnedAuthority(
  chain: readonly Uint8Array[],
  { caHash, now }: { caHash: string; now: Instant },
): string {
  const certificates = chain.map((der) => new X509Certificate(der));
  const authority = certificates.find((cert) => cert.ca && publicKeyHash(cert.raw) === caHash);
  if (authority === undefined) {
    throw new JoinError(
      "the server is not the one that made the join string: its certificate authority has another key. " +
        "Either the address now belongs to another cluster (or the cluster was reset): take a new join string from its first host; " +
        "or somebody is between this host and the server",
    );
  }
  const [leaf] = certificates;
  if (leaf !== authority && !leaf!.verify(authority.publicKey)) {
    throw new JoinError(
      "the server shows the right certificate authority, but its own certificate is not signed by it",
    );
  }
  const pem = leaf!.toString();
  const { from, to } = lifetimeOf(pem);
  if (now < from || now >= to) {
    const [says, first, last] = [now, from, to].map((at) => new Date(at).toISOString());
    throw new JoinError(
      `this host's clock says ${says}, but the server's certificate is good from ${first} to ${last}: ` +
        "set the clocks of both hosts (NTP) and start again",
    );
  }
  return authority.toString();
}
