/** Kinds whose POST is that of a subresource, of the object that the body names. */
import { definition } from "../../lib/schema/schema.ts";
import { fieldError, invalid } from "../../lib/status.ts";
import type { Call } from "./call.ts";
import { writeOptions } from "./options.ts";
import type { RequestInfo } from "./request_info.ts";
import type { StandIn } from "./resource.ts";
import { bodySource } from "./source.ts";

/** The request that is meant. Its body has been looked at: what is wrong with it has been said. */
export async function meantBy(call: Call, standIn: StandIn): Promise<{ request: Request; info: RequestInfo }> {
  const { request, query, info } = call;
  const { fieldValidation } = writeOptions(query, "CreateOptions");
  const { plural, subresource } = standIn.standsFor;
  const body =
    (await bodySource(call, fieldValidation, { kind: standIn, definition: definition(standIn.definition) }))();
  const { name } = body.metadata;
  if (!name) throw invalid(standIn, "", [fieldError.required("metadata.name")]);
  const headers = new Headers(request.headers);
  headers.set("content-type", "application/json");
  headers.delete("content-length");
  return {
    request: new Request(request.url, {
      method: request.method,
      headers,
      body: JSON.stringify(body),
      signal: request.signal,
    }),
    info: { ...info, resource: plural, name, subresource, parts: [plural, name, subresource] },
  };
}
