/**
 * JSON patches (RFC 6902, `application/json-patch+json`), with the error texts of kube-apiserver's library and its one
 * extension: negative indices count from a list's end.
 */
import { jsonPatchCopiesBytesMax, jsonPatchOperationsMax } from "../limits.ts";
import { statusError } from "../status.ts";
import { clone, deepEqual, getKey, isObject, type Json, setKey } from "./equal.ts";

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** An operation that does not apply. */
class PatchError extends Error {}

/**
 * The object with the patch applied; neither argument is changed. Throws StatusError: BadRequest for what is no patch,
 * RequestEntityTooLarge for too many operations, Invalid for one that does not apply (a failed `test` among them).
 */
export function applyJsonPatch(object: Json, patch: unknown): Json {
  const operations = parse(patch);
  const root: Json = { "": clone(object) };
  const budget = { left: jsonPatchCopiesBytesMax };
  try {
    for (const operation of operations) apply(root, operation, budget);
  } catch (error) {
    if (error instanceof PatchError) throw refused(error.message);
    throw error;
  }
  const result = root[""];
  if (!isObject(result)) throw refused("the patched document is not an object");
  return result;
}

function refused(message: string): Error {
  return statusError("Invalid", "the server rejected our request due to an error in our request", {
    causes: [{ reason: "UnexpectedServerResponse", message }],
  });
}

function parse(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw statusError("BadRequest", "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  }
  if (patch.length > jsonPatchOperationsMax) {
    throw statusError(
      "RequestEntityTooLarge",
      `The allowed maximum operations in a JSON patch is ${jsonPatchOperationsMax}, got ${patch.length}`,
    );
  }
  return patch.map((given) => {
    const { op, path, from } = isObject(given) ? given : {} as Json;
    if (typeof op !== "string" || typeof path !== "string" || (from !== undefined && typeof from !== "string")) {
      throw statusError("BadRequest", "Invalid JSON Patch: an operation needs an `op` and a `path`");
    }
    return given as unknown as Operation;
  });
}

/** `/a/b~1c/0` → `["", "a", "b/c", "0"]`: the first step is the document itself. */
function steps(pointer: string): string[] {
  if (pointer !== "" && !pointer.startsWith("/")) {
    throw new PatchError(`the path ${JSON.stringify(pointer)} does not begin with /`);
  }
  const parts = pointer.split("/").map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  if (parts.includes("__proto__")) throw new PatchError(`the path ${JSON.stringify(pointer)} has a reserved key`);
  return parts;
}

interface Place {
  readonly parent: Json | unknown[];
  readonly key: string;
}

/** The container that a pointer's last step is in; undefined where there is none. */
function find(root: Json, pointer: string): Place | undefined {
  const parts = steps(pointer);
  const key = parts.pop()!;
  let at: unknown = root;
  for (const part of parts) {
    if (Array.isArray(at)) at = at[indexOf(at, part, at.length - 1)];
    else if (isObject(at)) at = getKey(at, part);
    else return undefined;
  }
  return Array.isArray(at) || isObject(at) ? { parent: at, key } : undefined;
}

/** A list's index; throws where it is none or greater than `max`. */
function indexOf(list: readonly unknown[], key: string, max: number): number {
  if (!/^(?:-?(?:0|[1-9][0-9]{0,8}))$/.test(key)) {
    throw new PatchError(`strconv.Atoi: parsing ${JSON.stringify(key)}: invalid syntax`);
  }
  const index = Number(key);
  if (index > max || index < -list.length) {
    throw new PatchError(`Unable to access invalid index: ${key}: invalid index referenced`);
  }
  return index < 0 ? index + list.length : index;
}

function read({ parent, key }: Place): unknown {
  return Array.isArray(parent) ? parent[indexOf(parent, key, parent.length - 1)] : getKey(parent, key);
}

function apply(root: Json, operation: Operation, budget: { left: number }): void {
  const { op, path } = operation;
  switch (op) {
    case "add":
      return add(root, path, valueOf(operation), "add");
    case "remove":
      return remove(root, path);
    case "replace":
      return replace(root, path, valueOf(operation));
    case "move": {
      const from = fromOf(operation);
      if (path === from) return;
      if (path.startsWith(`${from}/`)) {
        throw new PatchError("move operation does not apply: a value can't move into itself");
      }
      const value = existing(root, from, "move");
      remove(root, from);
      return add(root, path, value, "move");
    }
    case "copy": {
      const value = existing(root, fromOf(operation), "copy");
      budget.left -= JSON.stringify(value).length;
      if (budget.left < 0) {
        throw new PatchError(
          `Unable to copy, the accumulated size increase of copy exceeded the limit ${jsonPatchCopiesBytesMax}`,
        );
      }
      return add(root, path, clone(value), "copy");
    }
    case "test":
      return test(root, operation);
    default:
      throw new PatchError(`Unexpected kind: ${op}`);
  }
}

function valueOf(operation: Operation): unknown {
  if (!Object.hasOwn(operation, "value")) {
    throw new PatchError(`${operation.op} operation does not apply: missing value`);
  }
  return clone(operation.value);
}

function fromOf(operation: Operation): string {
  if (operation.from === undefined) throw new PatchError(`${operation.op} operation does not apply: missing from`);
  return operation.from;
}

function container(root: Json, path: string, op: string): Place {
  const place = find(root, path);
  if (place === undefined) {
    throw new PatchError(`${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`);
  }
  return place;
}

/** The value at a path, which must be there. */
function existing(root: Json, path: string, op: string): unknown {
  const value = read(container(root, path, op));
  if (value === undefined) {
    throw new PatchError(`${op} operation does not apply: doc is missing key: ${path}: missing value`);
  }
  return value;
}

function add(root: Json, path: string, value: unknown, op: string): void {
  const { parent, key } = container(root, path, op);
  if (!Array.isArray(parent)) return setKey(parent, key, value);
  if (key === "-") parent.push(value);
  else {
    // -1 is the place after the last element here, as in Kubernetes.
    const index = key.startsWith("-")
      ? indexOf([...parent, null], key, parent.length)
      : indexOf(parent, key, parent.length);
    parent.splice(index, 0, value);
  }
}

function remove(root: Json, path: string): void {
  existing(root, path, "remove");
  const { parent, key } = container(root, path, "remove");
  if (Array.isArray(parent)) parent.splice(indexOf(parent, key, parent.length - 1), 1);
  else delete parent[key];
}

function replace(root: Json, path: string, value: unknown): void {
  existing(root, path, "replace");
  const { parent, key } = container(root, path, "replace");
  if (Array.isArray(parent)) parent[indexOf(parent, key, parent.length - 1)] = value;
  else setKey(parent, key, value);
}

function test(root: Json, operation: Operation): void {
  const value = read(container(root, operation.path, "test"));
  // null is what a missing key holds.
  if (deepEqual(value ?? null, operation.value ?? null)) return;
  throw new PatchError(`testing value ${operation.path} failed: test failed`);
}
