/** `/scale`: the replicas of any kind that has some, in one form (autoscaling/v1 Scale). */
import type { KubeObject } from "../../lib/kind.ts";
import { clone, type Json } from "../../lib/patch/equal.ts";
import { definition } from "../../lib/schema/schema.ts";
import { fieldError, invalid, notFound, statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { answerObject } from "./answer.ts";
import { readBody } from "./body.ts";
import { type Call, keyFor } from "./call.ts";
import { readObject } from "./get.ts";
import { negotiate } from "./negotiate.ts";
import { managerOf, type WriteOptions, writeOptions } from "./options.ts";
import { decodeAs, patcher, patchKind } from "./patch.ts";
import { checkPlace, checkRevision } from "./preconditions.ts";
import { bodySource } from "./source.ts";
import { write } from "./write.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" } as const;
const scaleDefinition = definition("io.k8s.api.autoscaling.v1.Scale");

interface Scale extends KubeObject {
  spec: { replicas?: number };
  status?: { replicas: number; selector?: string };
}

function scaleOf(call: Call, object: KubeObject): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const scale = call.resource.scale!;
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: scale.replicas(object) },
    status: { replicas: scale.statusReplicas(object), selector: scale.selector(object) },
  };
}

export async function scale(call: Call): Promise<Response> {
  const { request, query, info } = call;
  const accepted = negotiate(request, query, "object");
  if (info.verb === "get") {
    const object = scaleOf(call, (await readObject(call)).object);
    return answerObject(request, object, { accepted, definition: scaleDefinition });
  }
  const options = writeOptions(query, info.verb === "patch" ? "PatchOptions" : "UpdateOptions");
  const change = info.verb === "patch" ? await patched(call, options) : await replaced(call, options);
  const name = info.name!;
  const { entry } = await write(call, keyFor(call, name), {
    part: "all",
    subresource: "scale",
    dryRun: options.dryRun,
    manager: managerOf(options, request),
    next(old) {
      if (old === undefined) throw notFound(call.resource, name);
      const wanted = change(scaleOf(call, old.object));
      checkPlace(call, wanted);
      checkRevision(call, wanted, old);
      return scaled(call, old, wanted);
    },
  });
  return answerObject(request, scaleOf(call, entry.object), { accepted, definition: scaleDefinition });
}

function scaled(call: Call, old: Entry, wanted: Scale): KubeObject {
  const replicas = wanted.spec?.replicas ?? 0;
  if (replicas < 0) {
    const error = fieldError.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
    throw invalid(scaleKind, wanted.metadata.name, [error]);
  }
  const object = clone(old.object);
  call.resource.scale!.setReplicas(object, replicas);
  return object;
}

async function replaced(call: Call, options: WriteOptions): Promise<(current: Scale) => Scale> {
  const source = await bodySource(call, options.fieldValidation, { kind: scaleKind, definition: scaleDefinition });
  return () => source() as Scale;
}

async function patched(call: Call, options: WriteOptions): Promise<(current: Scale) => Scale> {
  const kind = patchKind(call.request, { strategicMerge: true });
  if (kind === "apply") throw statusError("UnsupportedMediaType", "a Scale can't be applied, send a merge patch");
  const change = patcher(kind, await readBody(call.request), scaleDefinition);
  const as = { definition: scaleDefinition, resource: scaleKind, validation: options.fieldValidation };
  return (current) => decodeAs(call, change(current as unknown as Json), as) as unknown as Scale;
}
