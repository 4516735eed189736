/** `/scale`: the replicas of any kind that has some, in one form (autoscaling/v1 Scale). */
import { checkConfig } from "../../lib/apply/mod.ts";
import { humanDuration } from "../../lib/duration.ts";
import { apiVersionOf, keyOf, type KubeObject } from "../../lib/kind.ts";
import { clone, type Json } from "../../lib/patch/equal.ts";
import { definition } from "../../lib/schema/schema.ts";
import { fieldError, invalid, isReason, notFound } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import { answerEntry } from "./answer.ts";
import { parseConfig } from "./apply.ts";
import { type Call, keyFor } from "./call.ts";
import { readObject } from "./get.ts";
import { applyConfig } from "./managed.ts";
import { type Accepted, negotiate } from "./negotiate.ts";
import { managerOf, type WriteOptions, writeOptions } from "./options.ts";
import { decodeAs, patcher, type PatchKind, patchKind, readPatch } from "./patch.ts";
import { checkPlace, checkRevision } from "./preconditions.ts";
import { defineResource, type Resource } from "./resource.ts";
import { bodySource } from "./source.ts";
import { Item } from "./text.ts";
import { write } from "./write.ts";

const scaleKind = { group: "autoscaling", version: "v1", kind: "Scale" } as const;
const scaleDefinition = definition("io.k8s.api.autoscaling.v1.Scale");
const applied = { apiVersion: apiVersionOf(scaleKind), kind: scaleKind.kind };

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

/** Its columns (pkg/printers/internalversion, scaleColumnDefinitions). */
const shown = defineResource<Scale>({ ...scaleKind, plural: "scales", namespaced: true }, {
  definition: scaleDefinition.id,
  columns: [
    { name: "Name", type: "string", format: "name", value: ({ metadata }) => metadata.name },
    { name: "Desired", type: "integer", value: ({ spec }) => spec.replicas ?? 0 },
    { name: "Available", type: "integer", value: ({ status }) => status?.replicas ?? 0 },
    {
      name: "Age",
      type: "string",
      value: ({ metadata }, now) => humanDuration(now - Date.parse(metadata.creationTimestamp)),
    },
  ],
}, () => []) as unknown as Resource;

function answerScale(call: Call, object: Scale, accepted: Accepted): Response {
  const entry = new Item(keyOf(object), Number(object.metadata.resourceVersion), JSON.stringify(object), object);
  return answerEntry(call.request, shown, entry, { accepted, now: call.core.clock.now() });
}

/** Upstream names the subresource when there is nothing to scale. */
async function scaledObject(call: Call): Promise<KubeObject> {
  try {
    return (await readObject(call)).object;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
    const { group, plural } = call.resource;
    throw notFound({ group, plural: `${plural}/scale` }, call.info.name!);
  }
}

export async function scale(call: Call): Promise<Response> {
  const { request, query, info } = call;
  const accepted = negotiate(request, query, "object");
  if (info.verb === "get") {
    const object = scaleOf(call, await scaledObject(call));
    return answerScale(call, object, accepted);
  }
  const type = info.verb === "patch" ? patchKind(request, { strategicMerge: true }) : undefined;
  const options = writeOptions(query, type === undefined ? "UpdateOptions" : "PatchOptions", {
    apply: type === "apply",
  });
  const next = type === "apply" ? await configured(call, options) : await changed(call, type, options);
  const name = info.name!;
  const { entry } = await write(call, keyFor(call, name), {
    part: "all",
    subresource: "scale",
    dryRun: options.dryRun,
    // An apply records what it owns itself.
    manager: type === "apply" ? undefined : managerOf(options, request),
    next(old) {
      if (old === undefined) throw notFound(call.resource, name);
      return next(old);
    },
  });
  return answerScale(call, scaleOf(call, entry.object), accepted);
}

function checkReplicas(wanted: Scale): number {
  const replicas = wanted.spec?.replicas ?? 0;
  if (replicas >= 0) return replicas;
  const error = fieldError.invalid("spec.replicas", replicas, "must be greater than or equal to 0");
  throw invalid(scaleKind, wanted.metadata.name, [error]);
}

function scaled(call: Call, old: Entry, wanted: Scale): KubeObject {
  const replicas = checkReplicas(wanted);
  const object = clone(old.object);
  call.resource.scale!.setReplicas(object, replicas);
  return object;
}

async function replaced(call: Call, options: WriteOptions): Promise<(current: Scale) => Scale> {
  const source = await bodySource(call, options.fieldValidation, { kind: scaleKind, definition: scaleDefinition });
  return () => source() as Scale;
}

async function changed(
  call: Call,
  type: Exclude<PatchKind, "apply"> | undefined,
  options: WriteOptions,
): Promise<(old: Entry) => KubeObject> {
  const change = type === undefined ? await replaced(call, options) : await patched(call, type, options);
  return (old) => {
    const wanted = change(scaleOf(call, old.object));
    checkPlace(call, wanted);
    checkRevision(call, wanted, old);
    return scaled(call, old, wanted);
  };
}

/** An applied Scale: its replicas, applied to what is scaled by a manager of its own (`with subresource "scale"`). */
async function configured(call: Call, options: WriteOptions): Promise<(old: Entry) => KubeObject> {
  const { request, resource, info } = call;
  const given = parseConfig(call, { body: await readPatch(call), options });
  const checked = checkConfig({ config: given, definition: scaleDefinition, ...applied }) as unknown as Scale;
  checked.metadata ??= {} as Scale["metadata"];
  checked.metadata.name ||= info.name!;
  checkPlace(call, checked);
  const { spec } = checked;
  const { name, namespace } = checked.metadata;
  const config = { apiVersion: apiVersionOf(resource), kind: resource.kind, metadata: { name, namespace }, spec };
  const manager = managerOf(options, request);
  return (old) => {
    checkRevision(call, checked, old);
    checkReplicas(checked);
    const { force } = options;
    return applyConfig(call, { config, live: old.object, manager, force, subresource: "scale", only: "spec.replicas" });
  };
}

async function patched(
  call: Call,
  kind: Exclude<PatchKind, "apply">,
  options: WriteOptions,
): Promise<(current: Scale) => Scale> {
  const { change, duplicates } = patcher(kind, await readPatch(call), scaleDefinition);
  const as = { definition: scaleDefinition, resource: scaleKind, validation: options.fieldValidation, duplicates };
  return (current) => decodeAs(call, change(current as unknown as Json), as) as unknown as Scale;
}
