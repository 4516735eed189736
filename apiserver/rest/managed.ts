/** Who set which field: the one place that calls lib/apply. */
import { applyPatch, type FieldSet, fieldSetOf, trackUpdate } from "../../lib/apply/mod.ts";
import { apiVersionOf, type KubeObject } from "../../lib/kind.ts";
import { clone } from "../../lib/patch/equal.ts";
import type { Definition } from "../../lib/schema/schema.ts";
import { decodeObject } from "../../lib/schema/validate.ts";
import { definitionOf } from "./body.ts";
import type { Call } from "./call.ts";
import type { Resource } from "./resource.ts";

type Managed = KubeObject["metadata"]["managedFields"];

/** The author of a new object owns all of it. */
export function recordCreate(call: Call, object: KubeObject, manager: string): void {
  const ignored = ignoredBy(call.resource, undefined);
  setManagers(object, trackUpdate({ ...about(call), manager, before: undefined, after: object, ignored }) as Managed);
}

export interface Tracked {
  before: KubeObject;
  /** Its managedFields are set. */
  after: KubeObject;
  manager: string;
  subresource?: string;
}

/** The author of an update owns what it changed. */
export function recordUpdate(call: Call, tracked: Tracked): void {
  const { before, after, manager, subresource } = tracked;
  // What another subresource writes is its own to know.
  const whole = subresource === undefined || subresource === "status";
  const ignored = whole ? ignoredBy(call.resource, subresource) : undefined;
  setManagers(after, trackUpdate({ ...about(call), manager, subresource, before, after, ignored }) as Managed);
}

export interface ApplyConfig {
  /** The body, parsed. */
  config: unknown;
  live: KubeObject | undefined;
  manager: string;
  force: boolean;
  subresource?: string;
  /** The one field that the subresource writes: `spec.replicas`. */
  only?: string;
}

/** What comes of a server-side apply: a copy, owners recorded. Throws Conflict, BadRequest. */
export function applyConfig(call: Call, { only, ...request }: ApplyConfig): KubeObject {
  const { resource } = call;
  const ignored = only === undefined
    ? ignoredBy(resource, request.subresource)
    : allBut(definitionOf(resource), only.split("."));
  const applied = applyPatch({ ...about(call), ...request, kind: resource.kind, ignored });
  // A configuration may say 0 or "", and mean it: that was for the merge to know.
  const object = decodeObject(clone(applied.object), definitionOf(resource)).object as unknown as KubeObject;
  object.metadata ??= {} as KubeObject["metadata"];
  setManagers(object, applied.managedFields as Managed);
  return object;
}

function about(call: Call): { definition: Definition; apiVersion: string; now: number } {
  const { resource, core } = call;
  return { definition: definitionOf(resource), apiVersion: apiVersionOf(resource), now: core.clock.now() };
}

function setManagers(object: KubeObject, managers: Managed): void {
  if (managers === undefined || managers.length === 0) delete object.metadata.managedFields;
  else object.metadata.managedFields = managers;
}

/** What an endpoint does not write although the body may say it, and so nobody owns through it. */
function ignoredBy(resource: Resource, subresource: string | undefined): FieldSet | undefined {
  if (subresource === undefined) return resource.status ? fieldSetOf("status") : undefined;
  const own = new Set(["apiVersion", "kind", "metadata", subresource]);
  return fieldSetOf(...[...definitionOf(resource).fields.keys()].filter((name) => !own.has(name)));
}

/** Every field but one. */
function allBut(definition: Definition, path: readonly string[]): FieldSet {
  const others: string[] = [];
  let at: Definition | undefined = definition;
  path.forEach((name, depth) => {
    const before = path.slice(0, depth);
    for (const other of at?.fields.keys() ?? []) if (other !== name) others.push([...before, other].join("."));
    at = at?.fields.get(name)?.struct;
  });
  return fieldSetOf(...others);
}
