/** What a body must agree with: the path it was sent to, and the object that it is to replace. */
import type { KubeObject } from "../../lib/kind.ts";
import { fieldError, invalid, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import type { Call } from "./call.ts";
import { conflict } from "./write.ts";

/** Puts an object into the namespace of the path. Throws BadRequest when it names another. */
export function placeInNamespace(call: Call, object: KubeObject): void {
  const { metadata } = object;
  if (!call.resource.namespaced) {
    delete metadata.namespace;
    return;
  }
  if (!metadata.namespace) metadata.namespace = call.namespace;
  if (metadata.namespace !== call.namespace) {
    const message = "the namespace of the provided object does not match the namespace sent on the request";
    throw statusError("BadRequest", message);
  }
}

/** Throws BadRequest when the body is of another object than the path. */
export function checkPlace(call: Call, object: KubeObject): void {
  placeInNamespace(call, object);
  const { metadata } = object;
  const name = call.info.name!;
  if (!metadata.name) {
    const message = `the name of the object (${name} based on URL) was undeterminable: name must be provided`;
    throw statusError("BadRequest", message);
  }
  if (metadata.name !== name) {
    const message = `the name of the object (${metadata.name}) does not match the name on the URL (${name})`;
    throw statusError("BadRequest", message);
  }
}

/** Throws Conflict when the body is of another object of that name, or of another revision of it. */
export function checkRevision(call: Call, object: KubeObject, old: Entry): void {
  const { uid, resourceVersion } = object.metadata;
  const { name, uid: current } = old.object.metadata;
  const { resource } = call;
  if (uid && uid !== current) {
    const why = `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current}`;
    throw conflict(resource, name, why);
  }
  if (!resourceVersion || resourceVersion === "0") {
    if (resource.unconditionalUpdate) return;
    const detail = "must be specified for an update";
    throw invalid(resource, name, [fieldError.invalid("metadata.resourceVersion", 0, detail)]);
  }
  if (!/^\d+$/.test(resourceVersion)) {
    const detail = `strconv.ParseUint: parsing ${JSON.stringify(resourceVersion)}: invalid syntax`;
    throw invalid(resource, name, [fieldError.invalid("metadata.resourceVersion", resourceVersion, detail)]);
  }
  if (Number(resourceVersion) !== old.revision) throw conflict(resource, name);
}
