/** metadata.managedFields: who owns which fields, read and written; bounded in its number of entries. Pure. */
import { updateManagersMax } from "../limits.ts";
import { isObject, type Json } from "../patch/equal.ts";
import { emptySet, type FieldSet, FieldSetError, fromFieldsV1, isEmpty, toFieldsV1, union } from "./fieldset.ts";

/** metav1.ManagedFieldsEntry. */
export interface ManagedFieldsEntry {
  manager?: string;
  operation?: string;
  apiVersion?: string;
  time?: string;
  fieldsType?: string;
  fieldsV1?: Json;
  subresource?: string;
}

export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly set: FieldSet;
}

/** By identity: see managerId(). */
export type Managers = ReadonlyMap<string, Manager>;

/** An applier is the same in every version; an updater is another one in each. */
export function managerId(of: Pick<Manager, "manager" | "operation" | "apiVersion" | "subresource">): string {
  const { manager, operation, apiVersion, subresource = "" } = of;
  return JSON.stringify([manager, operation, operation === "Apply" ? "" : apiVersion, subresource]);
}

/** What a set was read from: most entries go through a write as they are, and need not be written anew. */
const texts = new WeakMap<FieldSet, Json>();

/** Reads managedFields; undefined where they are malformed. */
export function decodeManagers(entries: readonly ManagedFieldsEntry[] | undefined): Managers | undefined {
  const managers = new Map<string, Manager>();
  for (const given of entries ?? []) {
    if (!isObject(given as unknown)) return undefined;
    const { manager = "", operation, apiVersion = "", time, subresource, fieldsType, fieldsV1 } = given;
    if ((operation !== "Apply" && operation !== "Update") || fieldsType !== "FieldsV1" || apiVersion === "") {
      return undefined;
    }
    let set: FieldSet;
    try {
      set = fieldsV1 === undefined ? emptySet : fromFieldsV1(fieldsV1);
      if (fieldsV1 !== undefined) texts.set(set, fieldsV1);
    } catch (error) {
      if (error instanceof FieldSetError) return undefined;
      throw error;
    }
    const decoded: Manager = { manager, operation, apiVersion, time, subresource: subresource || undefined, set };
    managers.set(managerId(decoded), decoded);
  }
  return managers;
}

/** managedFields as Kubernetes orders them: appliers first, then by time and name. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  return [...managers.values()].filter(({ set }) => !isEmpty(set)).sort(inOrder).map((of) => ({
    manager: of.manager,
    operation: of.operation,
    apiVersion: of.apiVersion,
    ...(of.time === undefined ? {} : { time: of.time }),
    fieldsType: "FieldsV1",
    fieldsV1: texts.get(of.set) ?? toFieldsV1(of.set),
    ...(of.subresource === undefined ? {} : { subresource: of.subresource }),
  }));
}

function inOrder(a: Manager, b: Manager): number {
  const keys = (m: Manager) => [m.operation, m.time ?? "", m.manager, m.apiVersion, m.subresource ?? ""];
  const [left, right] = [keys(a), keys(b)];
  for (let i = 0; i < left.length; i++) if (left[i] !== right[i]) return left[i]! < right[i]! ? -1 : 1;
  return 0;
}

/** Puts the oldest updaters of a version together as `ancient-changes` when there are too many. */
export function capManagers(managers: Managers): Managers {
  const updaters = [...managers].filter(([, m]) => m.operation === "Update");
  if (updaters.length <= updateManagersMax) return managers;
  updaters.sort(([idA, a], [idB, b]) => (a.time ?? "") < (b.time ?? "") || (a.time === b.time && idA < idB) ? -1 : 1);
  const result = new Map(managers);
  const first = new Map<string, string>();
  let count = updaters.length;
  for (const [id, updater] of updaters) {
    if (count <= updateManagersMax) break;
    const before = first.get(updater.apiVersion);
    if (before === undefined) {
      first.set(updater.apiVersion, id);
      continue;
    }
    const bucket = { manager: "ancient-changes", operation: "Update" as const, apiVersion: updater.apiVersion };
    const bucketId = managerId(bucket);
    const gathered = result.get(bucketId) ?? result.get(before);
    result.delete(before);
    result.delete(id);
    result.set(bucketId, { ...bucket, time: updater.time, set: union(updater.set, gathered?.set ?? emptySet) });
    first.set(updater.apiVersion, bucketId);
    count--;
  }
  return result;
}
