/** UPDATE: PUT of an object, or of its status. */
import { notFound } from "../../lib/status.ts";
import { answerEntry } from "./answer.ts";
import { type Call, keyFor } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { managerOf, writeOptions } from "./options.ts";
import { checkPlace, checkRevision } from "./preconditions.ts";
import { bodySource } from "./source.ts";
import { conflict, write } from "./write.ts";

export async function update(call: Call, part: "all" | "status" = "all"): Promise<Response> {
  const { request, resource } = call;
  const options = writeOptions(call.query, "UpdateOptions");
  const accepted = negotiate(request, call.query, "object");
  const source = await bodySource(call, options.fieldValidation);
  const name = call.info.name!;
  const { entry, did } = await write(call, keyFor(call, name), {
    part,
    subresource: part === "status" ? "status" : undefined,
    dryRun: options.dryRun,
    manager: managerOf(options, request),
    next(old) {
      const object = source();
      checkPlace(call, object);
      if (old !== undefined) {
        checkRevision(call, object, old);
        return object;
      }
      if (part === "status" || !resource.createOnUpdate) throw notFound(resource, name);
      // Who names an object or a revision means one that was there.
      if (object.metadata.uid || object.metadata.resourceVersion) throw conflict(resource, name);
      return object;
    },
  });
  const code = did === "create" ? 201 : 200;
  return answerEntry(request, resource, entry, { accepted, now: call.core.clock.now(), code });
}
