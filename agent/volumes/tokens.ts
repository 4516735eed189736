/**
 * Service account tokens for projected volumes: asked for with TokenRequest, bound to their pod, and replaced when 80 % of their time
 * (or a day) is over. Kept in memory only.
 */
import type { Client } from "../../lib/client/client.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import { isReason, StatusError } from "../../lib/status.ts";
import type { Pod, ServiceAccountTokenProjection } from "../../lib/types/core_v1.ts";
import { ServiceAccount } from "../../lib/types/kinds.ts";
import { VolumeError } from "./payload.ts";

interface Token {
  readonly value: string;
  /** When a new one is to be asked for. */
  readonly renewAt: Instant;
  readonly expiresAt: Instant;
}

export interface Tokens {
  /** A valid token, a new one when it is time. Undefined when the API can't be reached and there is none. Throws VolumeError. */
  request(pod: Pod, projection: ServiceAccountTokenProjection): Promise<string | undefined>;
  /** What request() answered last, while it is valid. */
  current(pod: Pod, projection: ServiceAccountTokenProjection): string | undefined;
  /** When the first of the pod's tokens is to be renewed. */
  renewAt(uid: string): Instant | undefined;
  forget(uid: string): void;
}

const dayMs = 86_400_000;

export function createTokens({ client, clock }: { client: Client; clock: Clock }): Tokens {
  const tokens = new Map<string, Map<string, Token>>();
  const nameOf = ({ audience, expirationSeconds }: ServiceAccountTokenProjection) =>
    `${audience ?? ""} ${expirationSeconds}`;
  const ofPod = (uid: string) => tokens.get(uid) ?? new Map<string, Token>();
  const valid = (token: Token | undefined) =>
    token !== undefined && token.expiresAt > clock.now() ? token.value : undefined;

  return {
    current: (pod, projection) => valid(ofPod(pod.metadata.uid).get(nameOf(projection))),
    async request(pod, projection) {
      const { uid, name, namespace } = pod.metadata;
      const known = ofPod(uid).get(nameOf(projection));
      if (known !== undefined && clock.now() < known.renewAt) return known.value;
      const account = pod.spec.serviceAccountName ?? "default";
      const spec = {
        audiences: projection.audience === undefined || projection.audience === "" ? [] : [projection.audience],
        expirationSeconds: projection.expirationSeconds ?? 3600,
        boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
      };
      const asked = clock.now();
      try {
        const body = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec };
        const answer = await client.post(ServiceAccount, { namespace, name: account }, "token", body) as {
          status: { token: string; expirationTimestamp: string };
        };
        const expiresAt = Date.parse(answer.status.expirationTimestamp);
        const renewAt = asked + Math.min(dayMs, (expiresAt - asked) * 0.8);
        tokens.set(uid, ofPod(uid).set(nameOf(projection), { value: answer.status.token, renewAt, expiresAt }));
        return answer.status.token;
      } catch (error) {
        const old = valid(known);
        if (old !== undefined) return old;
        if (isReason(error, "NotFound")) {
          throw new VolumeError(`failed to fetch token: serviceaccounts ${JSON.stringify(account)} not found`);
        }
        if (error instanceof StatusError) throw new VolumeError(`failed to fetch token: ${error.message}`);
        return undefined;
      }
    },
    renewAt(uid) {
      const times = [...ofPod(uid).values()].map(({ renewAt }) => renewAt);
      return times.length === 0 ? undefined : Math.min(...times);
    },
    forget: (uid) => void tokens.delete(uid),
  };
}
