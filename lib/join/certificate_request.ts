/** Asks the cluster for a certificate, and waits for it: a CertificateSigningRequest and its end. */
import { type Client } from "../client/client.ts";
import { certificateWaitMs, joinRetryMs } from "../limits.ts";
import { type Clock, sleep } from "../seams/clock.ts";
import { isReason } from "../status.ts";
import type { CertificateSigningRequest } from "../types/certificates_v1.ts";
import { CertificateSigningRequest as RequestKind } from "../types/kinds.ts";

/** The cluster said no; the message is its own. */
export class CertificateRefused extends Error {
  override name = "CertificateRefused";
}

/** Nobody said anything. */
export class CertificateUnanswered extends Error {
  override name = "CertificateUnanswered";
}

export interface CertificateWish {
  readonly signer: string;
  readonly usages: readonly string[];
  /** PEM. */
  readonly request: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

type Usages = CertificateSigningRequest["spec"]["usages"];

export const clientUsages = ["digital signature", "client auth"] as const;
export const servingUsages = ["digital signature", "server auth"] as const;

/** The certificate, PEM. Throws CertificateRefused, CertificateUnanswered, StatusError. */
export async function requestCertificate(
  client: Client,
  wish: CertificateWish,
  { clock, signal }: { clock: Clock; signal?: AbortSignal },
): Promise<string> {
  const { signer, usages, request, annotations } = wish;
  const created = await client.create(RequestKind, {
    metadata: { generateName: "csr-", ...(annotations === undefined ? {} : { annotations: { ...annotations } }) },
    spec: { request: btoa(request), signerName: signer, usages: [...usages] as Usages },
  });
  const waiting = new AbortController();
  const stop = () => waiting.abort();
  const cancel = clock.after(certificateWaitMs, stop);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    const certificate = await ending(client, created, { clock, signal: waiting.signal });
    if (certificate !== undefined) return certificate;
  } finally {
    cancel();
    signal?.removeEventListener("abort", stop);
    stop();
  }
  throw new CertificateUnanswered(
    `certificate request ${created.metadata.name} (${signer}) was not answered within ${certificateWaitMs / 1000} s: ` +
      `is it waiting for \`kubectl certificate approve\`?`,
  );
}

/** `undefined` when the signal aborted first. */
async function ending(
  client: Client,
  created: CertificateSigningRequest,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<string | undefined> {
  const { name } = created.metadata;
  let { resourceVersion } = created.metadata;
  const fieldSelector = `metadata.name=${name}`;
  while (!signal.aborted) {
    try {
      for await (const { type, object } of client.watch(RequestKind, { fieldSelector, resourceVersion }, signal)) {
        if (type === "DELETED") {
          throw new CertificateRefused(`certificate request ${name} was deleted before it was signed`);
        }
        resourceVersion = object.metadata.resourceVersion;
        const certificate = outcome(object);
        if (certificate !== undefined) return certificate;
      }
    } catch (error) {
      if (error instanceof CertificateRefused || isReason(error, "Unauthorized", "Forbidden", "NotFound")) throw error;
      if (signal.aborted) return undefined;
    }
    // The server restarts, or its history was cut: look at what is there now.
    await sleep(clock, joinRetryMs, signal);
    const now = await client.get(RequestKind, { name }).catch((error) => {
      if (isReason(error, "Unauthorized", "Forbidden", "NotFound")) throw error;
      return undefined;
    });
    const certificate = now && outcome(now);
    if (certificate !== undefined) return certificate;
    resourceVersion = now?.metadata.resourceVersion ?? resourceVersion;
  }
  return undefined;
}

/** The certificate, `undefined` when it is too early. Throws CertificateRefused. */
export function outcome({ status, metadata }: CertificateSigningRequest): string | undefined {
  const no = status?.conditions?.find(({ type, status }) =>
    (type === "Denied" || type === "Failed") && status !== "False"
  );
  if (no !== undefined) throw new CertificateRefused(no.message || `certificate request ${metadata.name}: ${no.type}`);
  return status?.certificate ? atob(status.certificate) : undefined;
}
