/** Server-side apply: the body says all that its manager wants, and what it no longer says goes. */
import type { KubeObject } from "../../lib/kind.ts";
import { isObject } from "../../lib/patch/equal.ts";
import { parseYaml, YamlError } from "../../lib/schema/yaml.ts";
import { qualified, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import type { Call } from "./call.ts";
import { applyConfig } from "./managed.ts";
import type { WriteOptions } from "./options.ts";
import { checkPlace, checkRevision, placeInNamespace } from "./preconditions.ts";
import { conflict } from "./write.ts";

export interface ApplyRequest {
  body: Uint8Array;
  options: WriteOptions;
  manager: string;
  subresource?: string;
  /** The one field that the subresource writes. Absent: what applyConfig() knows of it. */
  only?: string;
  /** What of the configuration counts. Default: all of it. */
  narrow?(config: Record<string, unknown>): Record<string, unknown>;
}

/** Creates what is not there; a subresource does not. Throws BadRequest, Conflict, NotFound. */
export function applyPatch(call: Call, request: ApplyRequest): (old: Entry | undefined) => KubeObject {
  const { options, manager, subresource, only } = request;
  const parsed = parseConfig(call, request);
  const config = request.narrow?.(parsed) ?? parsed;
  return (old) => {
    if (old === undefined) refuseCreate(call, config, subresource);
    const object = applyConfig(call, { config, live: old?.object, manager, force: options.force, subresource, only });
    if (!object.metadata.name) object.metadata.name = call.info.name!;
    checkPlace(call, object);
    if (old === undefined) placeInNamespace(call, object);
    else checkRevision(call, object, old);
    return object;
  };
}

const utf8 = new TextDecoder();

/** The body of an apply. Throws BadRequest. */
export function parseConfig(
  call: Pick<Call, "warn">,
  { body, options }: Pick<ApplyRequest, "body" | "options">,
): Record<string, unknown> {
  try {
    const { value, duplicates } = parseYaml(utf8.decode(body));
    if (!isObject(value)) throw statusError("BadRequest", "error decoding YAML: the patch is not an object");
    if (options.fieldValidation === "Strict" && duplicates.length > 0) {
      throw statusError(
        "BadRequest",
        `error strict decoding YAML: yaml: unmarshal errors:\n  ${duplicates.join("\n  ")}`,
      );
    }
    if (options.fieldValidation === "Warn") { for (const duplicate of duplicates) call.warn(`yaml: ${duplicate}`); }
    return value;
  } catch (error) {
    if (error instanceof YamlError) throw statusError("BadRequest", `error decoding YAML: ${error.message}`);
    throw error;
  }
}

function refuseCreate(call: Call, config: Record<string, unknown>, subresource: string | undefined): void {
  const { resource, info } = call;
  const name = info.name!;
  if (subresource !== undefined) {
    const details = { name, group: resource.group || undefined, kind: resource.plural };
    throw statusError("NotFound", `${qualified(resource)} ${JSON.stringify(name)} not found`, details);
  }
  const metadata = isObject(config.metadata) ? config.metadata : {};
  if (metadata.uid) {
    const why = `uid mismatch: the provided object specified uid ${metadata.uid}, and no existing object was found`;
    throw conflict(resource, name, why);
  }
  if (metadata.resourceVersion) throw conflict(resource, name);
}
