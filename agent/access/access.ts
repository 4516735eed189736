/**
 * Who may ask this agent for what: as a kubelet with `authentication.webhook` and `authorization.mode: Webhook`, without anonymous users.
 * Certificates of the cluster's authority and tokens of the API server's name users; the API server says what they may.
 */
import { getLogger } from "log";
import { isReason } from "../../lib/status.ts";
import { type Family, family } from "../node/metrics.ts";
import type { Asked } from "./attributes.ts";
import { bearer, certificateUser, type Evidence, isApiserver, type User } from "./evidence.ts";
import { createReviews, type Reviews, type ReviewsOptions } from "./reviews.ts";

export type Verdict =
  | { readonly allowed: true; readonly user: User }
  | { readonly allowed: false; readonly status: 401 | 403 | 429 | 500; readonly message: string };

export interface Access {
  /** Rejects never. */
  decide(evidence: Evidence, asked: Asked): Promise<Verdict>;
  metrics(): Family[];
}

const logger = getLogger(["sauropod", "agent", "access"]);
const unauthorized: Verdict = { allowed: false, status: 401, message: "Unauthorized" };

export function createAccess(options: ReviewsOptions): Access {
  const { clock } = options;
  const reviews = createReviews(options);
  return {
    async decide({ socket, authorization }, asked) {
      let user = certificateUser(socket, clock.now());
      if (user !== undefined && isApiserver(user)) return { allowed: true, user };
      const token = bearer(authorization);
      try {
        if (user === undefined && token !== undefined) user = await reviews.userOf(token);
      } catch (error) {
        return unanswered("who asks", error, unauthorized);
      }
      return user === undefined ? unauthorized : await authorize(reviews, user, asked);
    },
    metrics: () => [
      requests("apiserver_delegated_authn_request_total", reviews.asked.tokens),
      requests("apiserver_delegated_authz_request_total", reviews.asked.access),
    ],
  };
}

/** One right is enough. */
async function authorize(reviews: Reviews, user: User, { verb, subresources }: Asked): Promise<Verdict> {
  for (const subresource of subresources) {
    try {
      if (await reviews.may(user, verb, subresource)) return { allowed: true, user };
    } catch (error) {
      const what = `(user=${user.name}, verb=${verb}, resource=nodes, subresource=${subresource})`;
      return unanswered(`what they may ${what}`, error, {
        allowed: false,
        status: 500,
        message: `Authorization error ${what}`,
      });
    }
  }
  const what = `(user=${user.name}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(" ")}])`;
  return { allowed: false, status: 403, message: `Forbidden ${what}\n` };
}

function unanswered(what: string, error: unknown, verdict: Verdict): Verdict {
  if (isReason(error, "TooManyRequests")) return { allowed: false, status: 429, message: `${error.message}\n` };
  logger.warn("the API server did not say {what}: {error}", { what, error: String(error) });
  return verdict;
}

function requests(name: string, counts: ReadonlyMap<string, number>): Family {
  const samples = [...counts].map(([code, value]) => ({ labels: { code }, value }));
  return family(name, "counter", "Number of HTTP requests partitioned by status code.", samples);
}
