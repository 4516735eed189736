/** Signs what was approved (pkg/controller/certificates/signer). It is handed a function that signs, and never sees the key. */
import { type Controller, source } from "../../../lib/controller/controller.ts";
import { certificateLifetimeMs } from "../../../lib/limits.ts";
import { readRequest } from "../../../lib/pki/request.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import { CertificateSigningRequest as RequestKind } from "../../../lib/types/kinds.ts";
import type { Parts } from "../parts.ts";
import { conditionOf, withCondition } from "./request_status.ts";
import { ourSigners, signerErrors } from "./shape.ts";

export interface SigningView {
  request: CertificateSigningRequest;
  /** Why it can't be signed. */
  error: string | undefined;
}

export type SigningAction =
  | { do: "sign"; request: CertificateSigningRequest; lifetimeMs: number; why: string }
  | { do: "fail"; request: CertificateSigningRequest; why: string };

export function planSigning({ request, error }: SigningView, now: Instant): readonly SigningAction[] {
  if (error !== undefined) {
    const failed = { type: "Failed", reason: "SignerValidationFailure", message: error } as const;
    return [{ do: "fail", request: withCondition(request, failed, now), why: error }];
  }
  const asked = request.spec.expirationSeconds;
  const lifetimeMs = Math.min(certificateLifetimeMs, asked === undefined ? certificateLifetimeMs : asked * 1000);
  return [{ do: "sign", request, lifetimeMs, why: "it is approved" }];
}

function errorOf({ spec }: CertificateSigningRequest): string | undefined {
  try {
    return signerErrors(spec.signerName, readRequest(atob(spec.request)), spec.usages ?? []);
  } catch (error) {
    return (error as Error).message;
  }
}

export function signingController({ informers, config, clock }: Parts): Controller<SigningView, SigningAction> {
  const requests = informers.certificateSigningRequests;
  return {
    name: "certificate-signer",
    sources: [source(requests, ({ metadata }) => [metadata.name])],
    view(key) {
      const request = requests.get(key);
      if (request === undefined || request.status?.certificate || !ourSigners.includes(request.spec.signerName)) {
        return undefined;
      }
      const approved = conditionOf(request, "Approved") && !conditionOf(request, "Denied");
      if (!approved || conditionOf(request, "Failed")) return undefined;
      return { request, error: errorOf(request) };
    },
    plan: planSigning,
    async execute(action, client) {
      let { request } = action;
      if (action.do === "sign") {
        const { spec } = request;
        const order = { request: atob(spec.request), usages: spec.usages ?? [], lifetimeMs: action.lifetimeMs };
        try {
          const certificate = btoa(await config.certificates.sign(order));
          request = { ...request, status: { ...request.status, certificate } };
        } catch (error) {
          const { message } = error as Error;
          request = withCondition(request, { type: "Failed", reason: "SignerValidationFailure", message }, clock.now());
        }
      }
      await client.update(RequestKind, request, { subresource: "status" });
    },
  };
}
