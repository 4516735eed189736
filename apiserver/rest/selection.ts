/** Which of a resource's entries a list, a watch or a DELETE of a collection is about. */
import type { KubeObject } from "../../lib/kind.ts";
import {
  checkFieldSelector,
  type FieldGetter,
  type FieldSelector,
  matchesFields,
  requiredFieldValue,
} from "../../lib/selector/fields.ts";
import { matchesLabels, type Selector } from "../../lib/selector/labels.ts";
import type { Entry } from "../cache/cache.ts";
import type { Resource } from "./resource.ts";
import { viewOf } from "./view.ts";

export interface Selection {
  readonly namespace: string | undefined;
  /** Set when only one object can match: the others need not be looked at. */
  readonly key: string | undefined;
  /** True when labels or fields decide, and not only the namespace. */
  readonly selective: boolean;
  /** True when the entry must be parsed to tell. */
  readonly parses: boolean;
  matches(entry: Entry): boolean;
}

const gettersOf = new WeakMap<Resource, Record<string, FieldGetter<KubeObject>>>();

/** Every field that a field selector may name. */
function fieldGetters(resource: Resource): Record<string, FieldGetter<KubeObject>> {
  let getters = gettersOf.get(resource);
  if (getters === undefined) {
    getters = {
      "metadata.name": (object) => object.metadata.name,
      ...(resource.namespaced ? { "metadata.namespace": (object) => object.metadata.namespace ?? "" } : {}),
      ...resource.fields,
    };
    gettersOf.set(resource, getters);
  }
  return getters;
}

/** Throws BadRequest for a field that the kind cannot be selected by. */
export function selectionOf(
  resource: Resource,
  namespace: string | undefined,
  labels: Selector,
  fields: FieldSelector,
): Selection {
  const getters = fieldGetters(resource);
  checkFieldSelector(fields, getters);
  const prefix = resource.namespaced && namespace !== undefined ? `${namespace}/` : "";
  const name = requiredFieldValue(fields, "metadata.name");
  const key = name !== undefined && (!resource.namespaced || namespace !== undefined) ? prefix + name : undefined;
  const byLabels = labels.requirements.length > 0 || labels.nothing === true;
  const parses = byLabels || fields.some((f) => f.field !== "metadata.name" || key === undefined) || fields.length > 1;
  return {
    namespace: prefix === "" ? undefined : namespace,
    key,
    selective: byLabels || fields.length > 0,
    parses,
    matches(entry) {
      if (prefix !== "" && !entry.key.startsWith(prefix)) return false;
      if (key !== undefined && entry.key !== key) return false;
      if (!parses) return true;
      const { object } = viewOf(resource, entry);
      if (byLabels && !matchesLabels(labels, object.metadata.labels)) return false;
      return matchesFields(fields, getters, object);
    },
  };
}
