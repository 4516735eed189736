/** The kinds of authentication and authorization that are asked and not stored. */
import type { Review } from "../../rest/rest.ts";
import type { Authenticator } from "../authenticate.ts";
import type { Authorizer } from "../authorize.ts";
import { accessReviews } from "./access_review.ts";
import { selfSubjectReview, tokenReview } from "./identity_review.ts";
import { rulesReview } from "./rules_review.ts";

export function authReviews({ authenticators, authorizers, audience }: {
  authenticators: readonly Authenticator[];
  authorizers: readonly Authorizer[];
  audience: string;
}): readonly Review[] {
  return [
    selfSubjectReview,
    tokenReview(authenticators, audience),
    ...accessReviews(authorizers),
    rulesReview(authorizers),
  ];
}
