/** Who am I, and whose token is this? (pkg/registry/authentication: selfsubjectreview, tokenreview) */
import { isReason, statusError } from "../../../lib/status.ts";
import type { SelfSubjectReview, TokenReview, UserInfo } from "../../../lib/types/authentication_v1.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import type { Review } from "../../rest/rest.ts";
import { authenticate, type Authenticator } from "../authenticate.ts";
import type { User } from "../user.ts";

const place = (kind: string) => ({
  group: "authentication.k8s.io",
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced: false,
  definition: `io.k8s.api.authentication.v1.${kind}`,
});

export function userInfo({ name, uid, groups, extra }: User): UserInfo {
  return {
    username: name,
    ...(uid === undefined ? {} : { uid }),
    groups: [...groups],
    ...(extra === undefined ? {} : { extra: Object.fromEntries(Object.entries(extra).map(([k, v]) => [k, [...v]])) }),
  };
}

export const selfSubjectReview: Review = {
  ...place("SelfSubjectReview"),
  answer(body, { user }) {
    const review = body as unknown as SelfSubjectReview;
    review.status = { userInfo: userInfo(user) };
    return review as unknown as KubeObject;
  },
};

/** `audience`: of this API server. */
export function tokenReview(authenticators: readonly Authenticator[], audience: string): Review {
  return {
    ...place("TokenReview"),
    async answer(body) {
      const review = body as unknown as TokenReview;
      const { token = "", audiences = [] } = review.spec ?? {};
      if (token === "") throw statusError("BadRequest", "token is required for TokenReview in authentication");
      const wanted = audiences.length === 0 ? [audience] : audiences;
      review.status = await judge(authenticators, { token, wanted, audience });
      // What is given back may be logged by whoever asked.
      return review as unknown as KubeObject;
    },
  };
}

async function judge(
  authenticators: readonly Authenticator[],
  { token, wanted, audience }: { token: string; wanted: readonly string[]; audience: string },
): Promise<TokenReview["status"]> {
  const no = (error: string) => ({ user: {}, error });
  // Nothing else can stand in a header.
  if (!/^[\x21-\x7e]+$/.test(token)) return no("invalid bearer token");
  const evidence = { headers: new Headers({ authorization: `Bearer ${token}` }), audiences: wanted };
  try {
    const user = await authenticate(authenticators, evidence);
    // Tokens that say nothing of audiences are for the API server.
    const audiences = user.audiences ?? wanted.filter((one) => one === audience);
    if (audiences.length === 0) return no("invalid bearer token");
    return { authenticated: true, user: userInfo(user), audiences: [...audiences] };
  } catch (error) {
    if (!isReason(error, "Unauthorized")) throw error;
    return no(error.message === "Unauthorized" ? "invalid bearer token" : error.message);
  }
}
