/** Removes requests that are over (pkg/controller/certificates/cleaner): the certificates are with those who asked. */
import { type Controller, source, type WakeAt } from "../../../lib/controller/controller.ts";
import { answeredRequestTtlMs, pendingRequestTtlMs } from "../../../lib/limits.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import { CertificateSigningRequest as RequestKind } from "../../../lib/types/kinds.ts";
import type { Parts } from "../parts.ts";
import { conditionOf } from "./request_status.ts";

export interface CleaningAction {
  do: "delete";
  name: string;
  uid: string;
  why: string;
}

/** Since when it waits for its removal, and how long; an answer counts from the answer. */
function deadline(request: CertificateSigningRequest): { at: Instant; why: string } {
  const since = (time: string | undefined) => Date.parse(time ?? "") || Date.parse(request.metadata.creationTimestamp);
  const answer = conditionOf(request, "Denied") ?? conditionOf(request, "Failed") ??
    (request.status?.certificate ? conditionOf(request, "Approved") : undefined);
  if (answer !== undefined) {
    const at = since(answer.lastUpdateTime) + answeredRequestTtlMs;
    return { at, why: `${answer.type} an hour ago` };
  }
  const approved = conditionOf(request, "Approved");
  const begun = since(approved?.lastUpdateTime);
  return {
    at: begun + pendingRequestTtlMs,
    why: approved ? "approved a day ago and not signed" : "unanswered for a day",
  };
}

export function planCleaning(request: CertificateSigningRequest, now: Instant): readonly (CleaningAction | WakeAt)[] {
  const { at, why } = deadline(request);
  if (now < at) return [{ do: "wakeAt", at, why: "the request's time ends" }];
  const { name, uid } = request.metadata;
  return [{ do: "delete", name, uid, why }];
}

export function cleaningController({ informers }: Parts): Controller<CertificateSigningRequest, CleaningAction> {
  const requests = informers.certificateSigningRequests;
  return {
    name: "certificate-cleaner",
    sources: [source(requests, ({ metadata }) => [metadata.name])],
    view: (key) => requests.get(key),
    plan: planCleaning,
    async execute({ name, uid }, client) {
      await client.delete(RequestKind, { name }, { preconditions: { uid } }).catch((error) => {
        if (!isReason(error, "NotFound")) throw error;
      });
    },
  };
}
