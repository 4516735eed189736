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
import { statusError } from "../../lib/status.ts";
import type { Entry, Traits } from "../cache/cache.ts";
import type { Resource } from "./resource.ts";
import { viewOf } from "./view.ts";

export interface Selection {
  readonly namespace: string | undefined;
  /** Set when only one object can match: the others need not be looked at. */
  readonly key: string | undefined;
  /** True when labels or fields decide, and not only the namespace. */
  readonly selective: boolean;
  /** True when nothing but the namespace, or the key, decides: no entry need be looked at. */
  readonly everything: boolean;
  matches(entry: Entry): boolean;
}

const gettersOf = new WeakMap<Resource, Record<string, FieldGetter<KubeObject>>>();

/** Every field that a field selector may name. */
function fieldGetters(resource: Resource): Record<string, FieldGetter<KubeObject>> {
  let getters = gettersOf.get(resource);
  if (getters === undefined) {
    getters = {
      "metadata.name": (object) => object.metadata.name,
      // A kind without fields of its own has Kubernetes' default ones, whatever its scope.
      ...(resource.namespaced || isPlain(resource)
        ? { "metadata.namespace": ({ metadata }) => metadata.namespace ?? "" }
        : {}),
      ...resource.fields,
    };
    gettersOf.set(resource, getters);
  }
  return getters;
}

/** What selectors look at. It is small and stays with the entry, so that the parsed object need not. */
function traitsOf(resource: Resource, entry: Entry): Traits {
  if (resource.convert !== undefined) return makeTraits(resource, viewOf(resource, entry).object);
  return entry.traits ??= makeTraits(resource, entry.object);
}

function makeTraits(resource: Resource, object: KubeObject): Traits {
  const fields: Record<string, string> = {};
  for (const [name, of] of Object.entries(resource.fields)) fields[name] = of(object) ?? "";
  return { labels: object.metadata.labels, fields };
}

/** Fields that an entry's key tells. */
const keyFields: Readonly<Record<string, (key: string) => string>> = {
  "metadata.name": (key) => key.slice(key.indexOf("/") + 1),
  "metadata.namespace": (key) => key.slice(0, Math.max(0, key.indexOf("/"))),
};

const isPlain = (resource: Resource) => Object.keys(resource.fields).length === 0;

function checkFields(resource: Resource, fields: FieldSelector): void {
  const getters = fieldGetters(resource);
  const unknown = isPlain(resource) ? fields.find(({ field }) => !Object.hasOwn(getters, field)) : undefined;
  if (unknown === undefined) return checkFieldSelector(fields, getters);
  const known = '"metadata.name", "metadata.namespace"';
  throw statusError("BadRequest", `${JSON.stringify(unknown.field)} is not a known field selector: only ${known}`);
}

/** Throws BadRequest for a field that the kind cannot be selected by. */
export function selectionOf(
  resource: Resource,
  namespace: string | undefined,
  labels: Selector,
  fields: FieldSelector,
): Selection {
  checkFields(resource, fields);
  const prefix = resource.namespaced && namespace !== undefined ? `${namespace}/` : "";
  const name = requiredFieldValue(fields, "metadata.name");
  const key = name !== undefined && (!resource.namespaced || namespace !== undefined) ? prefix + name : undefined;
  const byLabels = labels.requirements.length > 0 || labels.nothing === true;
  const ofKey = fields.filter(({ field }) => Object.hasOwn(keyFields, field));
  const ofObject = fields.filter(({ field }) => !Object.hasOwn(keyFields, field));
  return {
    namespace: prefix === "" ? undefined : namespace,
    key,
    selective: byLabels || fields.length > 0,
    everything: !byLabels && (fields.length === 0 || (fields.length === 1 && key !== undefined)),
    matches(entry) {
      if (prefix !== "" && !entry.key.startsWith(prefix)) return false;
      if (key !== undefined && entry.key !== key) return false;
      if (!matchesFields(ofKey, keyFields, entry.key)) return false;
      if (!byLabels && ofObject.length === 0) return true;
      const traits = traitsOf(resource, entry);
      if (byLabels && !matchesLabels(labels, traits.labels)) return false;
      return ofObject.every(({ field, operator, value }) => (traits.fields[field] === value) === (operator === "="));
    },
  };
}
