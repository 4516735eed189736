/** CREATE: POST to a collection. */
import { generatedNamesMax } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { qualified, type StatusError, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { WriteConflict } from "../storage/store.ts";
import { answerEntry } from "./answer.ts";
import { type Call, generatedName, keyFor } from "./call.ts";
import { negotiate } from "./negotiate.ts";
import { managerOf, writeOptions } from "./options.ts";
import { placeInNamespace } from "./preconditions.ts";
import { bodySource } from "./source.ts";
import { createObject } from "./write.ts";

export async function create(call: Call): Promise<Response> {
  const { request } = call;
  const options = writeOptions(call.query, "CreateOptions");
  const accepted = negotiate(request, call.query, "object");
  const source = await bodySource(call, options.fieldValidation);
  const next = () => {
    const object = source();
    placeInNamespace(call, object);
    if (object.metadata.resourceVersion) {
      throw statusError("BadRequest", "resourceVersion should not be set on objects to be created");
    }
    return object;
  };
  const spec = { dryRun: options.dryRun, manager: managerOf(options, request) };
  const entry = await createNamed(call, next, spec);
  return answerEntry(request, call.resource, entry, { accepted, now: call.core.clock.now(), code: 201 });
}

/** Creates what `next` answers, under a generated name if it asks for one. Throws AlreadyExists. */
async function createNamed(
  call: Call,
  next: () => KubeObject,
  spec: { dryRun: boolean; manager: string | undefined },
): Promise<Entry> {
  for (let attempt = 1;; attempt++) {
    const object = next();
    const { metadata } = object;
    const generated = !metadata.name && !!metadata.generateName;
    if (generated) metadata.name = generatedName(call, metadata.generateName!);
    const name = metadata.name ?? "";
    try {
      return await createObject(call, keyFor(call, name), object, spec);
    } catch (error) {
      if (!(error instanceof WriteConflict)) throw error;
      if (!generated) throw alreadyExists(call, name, error);
      if (attempt >= generatedNamesMax) throw noNameLeft(call, name);
    }
  }
}

export function alreadyExists(call: Call, name: string, { current }: WriteConflict): StatusError {
  const { group, plural } = call.resource;
  const there = current === undefined ? undefined : JSON.parse(current.value) as KubeObject;
  const deleting = there?.metadata.deletionTimestamp === undefined ? "" : "object is being deleted: ";
  const message = `${deleting}${qualified(call.resource)} ${JSON.stringify(name)} already exists`;
  return statusError("AlreadyExists", message, { name, group: group || undefined, kind: plural });
}

function noNameLeft(call: Call, name: string): StatusError {
  const { group, plural } = call.resource;
  const message = `${qualified(call.resource)} ${JSON.stringify(name)} already exists, the server was not able to ` +
    "generate a unique name for the object";
  return statusError("AlreadyExists", message, { name, group: group || undefined, kind: plural, retryAfterSeconds: 1 });
}
