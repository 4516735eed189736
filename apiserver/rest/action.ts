/** Subresources that write their parent with a body of another kind (`pods/binding`, `namespaces/finalize`). */
import type { KubeObject } from "../../lib/kind.ts";
import { clone, deepEqual, type Json } from "../../lib/patch/equal.ts";
import { definition } from "../../lib/schema/schema.ts";
import { invalid, notFound, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { answerEntry, answerObject } from "./answer.ts";
import { applyPatch } from "./apply.ts";
import { type Call, keyFor, prepareContext } from "./call.ts";
import { statusDefinition } from "./delete.ts";
import { get } from "./get.ts";
import { negotiate } from "./negotiate.ts";
import { managerOf, type WriteOptions, writeOptions } from "./options.ts";
import { decodeAs, patcher, type PatchKind, patchKind, readPatch } from "./patch.ts";
import { checkPlace, checkRevision } from "./preconditions.ts";
import type { ActionSubresource } from "./resource.ts";
import { bodySource } from "./source.ts";
import { successStatus } from "./status_answer.ts";
import { write } from "./write.ts";

const optionKinds = { create: "CreateOptions", update: "UpdateOptions", patch: "PatchOptions" } as const;

export async function act(call: Call, action: ActionSubresource<KubeObject>): Promise<Response> {
  const { request, query, info } = call;
  if (info.verb === "get") return await get(call);
  const verb = info.verb as keyof typeof optionKinds;
  const type = verb === "patch" ? patchType(call, action) : undefined;
  const options = writeOptions(query, optionKinds[verb], { apply: type === "apply" });
  const accepted = negotiate(request, query, "object");
  const bodyFor = type === undefined
    ? await given(call, action, options)
    : type === "apply"
    ? await configured(call, action, options)
    : await patched(call, action, { type, options });
  const name = info.name!;
  const { entry } = await write(call, keyFor(call, name), {
    part: "action",
    subresource: info.subresource,
    dryRun: options.dryRun,
    // An apply records what it owns itself.
    manager: type === "apply" ? undefined : managerOf(options, request),
    next(old) {
      if (old === undefined) throw notFound(call.resource, name);
      const body = bodyFor(old);
      const parent = applied(call, action, { old, body, verb });
      if (type === "apply") parent.metadata.managedFields = body.metadata.managedFields;
      return parent;
    },
  });
  const code = verb === "create" ? 201 : 200;
  if (action.answers !== "status") {
    return answerEntry(request, call.resource, entry, { accepted, now: call.core.clock.now(), code });
  }
  return answerObject(request, successStatus(), { accepted, code, definition: definition(statusDefinition) });
}

function applied(
  call: Call,
  action: ActionSubresource<KubeObject>,
  of: { old: Entry; body: KubeObject; verb: string },
): KubeObject {
  const { old, body, verb } = of;
  if (!body.metadata.name && verb === "create") body.metadata.name = call.info.name!;
  checkPlace(call, body);
  // A body of another kind names its parent's revision only when it wants to.
  if (verb !== "create" && body.metadata.resourceVersion) checkRevision(call, body, old);
  const parent = clone(old.object);
  const errors = action.apply(parent, body, prepareContext(call));
  if (errors.length > 0) throw invalid(action.kind, body.metadata.name, errors);
  return parent;
}

async function given(
  call: Call,
  action: ActionSubresource<KubeObject>,
  options: WriteOptions,
): Promise<(old: Entry) => KubeObject> {
  const expected = { kind: action.kind, definition: definition(action.definition) };
  return await bodySource(call, options.fieldValidation, expected);
}

/** Throws MethodNotAllowed where the body is no part of the parent, UnsupportedMediaType. */
function patchType(call: Call, action: ActionSubresource<KubeObject>): PatchKind {
  const { group, version, kind } = call.resource;
  if (!deepEqual(action.kind, { group, version, kind })) {
    throw statusError("MethodNotAllowed", `${call.info.resource}/${call.info.subresource} can't be patched`);
  }
  return patchKind(call.request, call.resource);
}

/** What comes of a server-side apply, its owners recorded. */
async function configured(
  call: Call,
  action: ActionSubresource<KubeObject>,
  options: WriteOptions,
): Promise<(old: Entry) => KubeObject> {
  const { subresource } = call.info;
  const manager = managerOf(options, call.request);
  const body = await readPatch(call);
  return applyPatch(call, { body, options, manager, subresource, only: action.writes, narrow: action.narrow });
}

async function patched(
  call: Call,
  action: ActionSubresource<KubeObject>,
  { type, options }: { type: Exclude<PatchKind, "apply">; options: WriteOptions },
): Promise<(old: Entry) => KubeObject> {
  const schema = definition(action.definition);
  const { change, duplicates } = patcher(type, await readPatch(call), schema);
  const as = { definition: schema, resource: action.kind, validation: options.fieldValidation, duplicates };
  return (old) => decodeAs(call, change(old.object as unknown as Json), as) as unknown as KubeObject;
}
