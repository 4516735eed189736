/** What may I do here? As far as it can be listed (pkg/registry/authorization/selfsubjectrulesreview). */
import { statusError } from "../../../lib/status.ts";
import type { SelfSubjectRulesReview } from "../../../lib/types/authorization_v1.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import type { Review } from "../../rest/rest.ts";
import type { Authorizer } from "../authorize.ts";

export function rulesReview(authorizers: readonly Authorizer[]): Review {
  return {
    group: "authorization.k8s.io",
    version: "v1",
    kind: "SelfSubjectRulesReview",
    plural: "selfsubjectrulesreviews",
    namespaced: false,
    definition: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
    answer(body, { user }) {
      const review = body as unknown as SelfSubjectRulesReview;
      const namespace = review.spec?.namespace;
      if (!namespace) throw statusError("BadRequest", "no namespace on request");
      const lists = authorizers.map((authorizer) => authorizer.rulesFor?.(user, namespace)).filter((l) =>
        l !== undefined
      );
      const rules = lists.flatMap((list) => list.rules);
      const errors = lists.flatMap((list) => list.errors);
      review.status = {
        incomplete: lists.some((list) => list.incomplete),
        nonResourceRules: rules.filter(({ nonResourceURLs = [] }) => nonResourceURLs.length > 0)
          .map(({ verbs, nonResourceURLs }) => ({ verbs, nonResourceURLs })),
        resourceRules: rules.filter(({ resources = [] }) => resources.length > 0)
          .map(({ verbs, apiGroups, resources, resourceNames }) => ({ verbs, apiGroups, resources, resourceNames })),
        ...(errors.length === 0 ? {} : { evaluationError: errors.join(", ") }),
      };
      return review as unknown as KubeObject;
    },
  };
}
