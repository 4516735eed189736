/** JSON merge patches (RFC 7386, `application/merge-patch+json`): null deletes, objects merge, everything else replaces. */
import { statusError } from "../status.ts";
import { clone, getKey, isObject, type Json, setKey } from "./equal.ts";

/** The object with the patch applied; it shares nothing with either argument. Throws BadRequest for a patch that is no object. */
export function applyMergePatch(object: Json, patch: unknown): Json {
  if (!isObject(patch)) throw statusError("BadRequest", "Invalid JSON Patch");
  return merge(clone(object), patch);
}

function merge(target: unknown, patch: Json): Json {
  const result = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete result[key];
    else setKey(result, key, isObject(value) ? merge(getKey(result, key), value) : clone(value));
  }
  return result;
}
