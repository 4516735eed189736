/** Where a write's object comes from: the request's body, decoded afresh for every attempt, since attempts change it. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Expected } from "../../lib/schema/decode.ts";
import { decode, expectedOf, readBody } from "./body.ts";
import type { Call } from "./call.ts";
import type { FieldValidation } from "./options.ts";

/**
 * Reads and decodes the body; a bad one is refused before anything else is looked at. Each call answers an object of its
 * own. Warnings are given once.
 */
export async function bodySource(
  call: Call,
  validation: FieldValidation,
  expected: Expected = expectedOf(call.resource),
): Promise<() => KubeObject> {
  const contentType = call.request.headers.get("content-type");
  const body = await readBody(call.request);
  let first: KubeObject | undefined = decode(body, {
    contentType,
    expected,
    validation,
    warn: (message) => call.warn(message),
  });
  call.context.record?.requested(first);
  return () => {
    const object = first ?? decode(body, { contentType, expected, validation, warn: () => {} });
    first = undefined;
    return object;
  };
}
