/** Kinds that are asked and not stored: a POST whose answer is the body with its status filled in. */
import { definition } from "../../lib/schema/schema.ts";
import { admission, mutate, validate } from "./admit.ts";
import { answerObject } from "./answer.ts";
import type { Call } from "./call.ts";
import { readObject } from "./get.ts";
import { negotiate } from "./negotiate.ts";
import { writeOptions } from "./options.ts";
import type { Review } from "./rest.ts";
import { bodySource } from "./source.ts";

/** `parent`: the call about the object that the review is a subresource of. */
export async function answerReview(call: Call, review: Review): Promise<Response> {
  const { request, query, context, namespace } = call;
  const { dryRun, fieldValidation } = writeOptions(query, "CreateOptions");
  const accepted = negotiate(request, query, "object");
  const schema = definition(review.definition);
  const { group, version, kind } = review;
  const source = await bodySource(call, fieldValidation, { kind: { group, version, kind }, definition: schema });
  const body = source();
  const parent = review.subresourceOf === undefined ? undefined : (await readObject(call)).object;
  const name = review.subresourceOf === undefined ? undefined : call.info.name;
  if (parent !== undefined) {
    const about = { operation: "CREATE", name: name!, subresource: review.plural, object: body, dryRun } as const;
    const admitted = admission(call, about);
    await mutate(call, admitted);
    await validate(call, admitted);
  }
  const answer = await review.answer(body, { user: context.user, namespace, name, parent, dryRun });
  return answerObject(request, answer, { accepted, code: 201, definition: schema });
}
