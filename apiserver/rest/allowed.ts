/** 405, and which methods a path of the API has (RFC 9110 wants them told in `Allow`). */
import { StatusError, statusError } from "../../lib/status.ts";

export class MethodNotAllowed extends StatusError {
  constructor(readonly methods: readonly string[]) {
    const message = "the server does not allow this method on the requested resource";
    super(statusError("MethodNotAllowed", message, {}).status);
  }
}

const collectionMethods: Readonly<Record<string, string>> = {
  list: "GET",
  watch: "GET",
  create: "POST",
  deletecollection: "DELETE",
};

const objectMethods: Readonly<Record<string, string>> = {
  get: "GET",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
};

/** `of`: a collection's verbs mean other methods than an object's or a subresource's. */
export function notAllowed(verbs: readonly string[], of: "collection" | "object"): MethodNotAllowed {
  const methods = of === "collection" ? collectionMethods : objectMethods;
  const found = verbs.flatMap((verb) => Object.hasOwn(methods, verb) ? methods[verb]! : []);
  return new MethodNotAllowed([...new Set(found)].sort());
}
