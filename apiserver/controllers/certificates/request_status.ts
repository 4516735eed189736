/** The conditions of a CertificateSigningRequest. Pure. */
import { type Instant, rfc3339 } from "../../../lib/seams/clock.ts";
import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
} from "../../../lib/types/certificates_v1.ts";

type ConditionType = "Approved" | "Denied" | "Failed";

export function conditionOf(
  { status }: CertificateSigningRequest,
  type: ConditionType,
): CertificateSigningRequestCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type && condition.status !== "False");
}

/** The same request with one more condition. */
export function withCondition(
  request: CertificateSigningRequest,
  { type, reason, message }: { type: ConditionType; reason: string; message: string },
  now: Instant,
): CertificateSigningRequest {
  const at = rfc3339(now);
  const condition = { type, status: "True", reason, message, lastUpdateTime: at, lastTransitionTime: at };
  return { ...request, status: { ...request.status, conditions: [...request.status?.conditions ?? [], condition] } };
}
