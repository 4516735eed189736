/** For tests of kinds: runs a kind's functions in the order in which rest/ does, without a server. */
import type { KubeObject } from "../../../lib/kind.ts";
import { clone, deepEqual } from "../../../lib/patch/equal.ts";
import { applyDefaults } from "../../../lib/schema/defaults.ts";
import { definition } from "../../../lib/schema/schema.ts";
import { seededRandom } from "../../../lib/seams/random.ts";
import type { FieldError } from "../../../lib/status.ts";
import type { PrepareContext, Resource } from "../../rest/resource.ts";

/** 2026-01-02T03:04:05Z */
export const now = Date.UTC(2026, 0, 2, 3, 4, 5);

export const context: PrepareContext = {
  now,
  random: seededRandom(1),
  config: { serviceCidr: "10.96.0.0/16", nodePortRange: { from: 30000, to: 32767 }, clusterDomain: "cluster.local" },
  user: { name: "tester", groups: [] },
};

/** What a client may leave out. */
export type Given = Record<string, unknown> & { metadata?: Record<string, unknown> };

/** The object as it would be stored; throws what prepareCreate() throws. Errors are not looked for. */
export function created<T extends KubeObject>(resource: Resource<T>, given: Given): T {
  const object = defaulted(resource, given);
  const meta = { name: "web", namespace: "default", uid: "uid-1", creationTimestamp: "2026-01-02T03:04:05Z" };
  object.metadata = { ...meta, ...object.metadata };
  if (resource.generation) object.metadata.generation = 1;
  if (resource.status && !resource.createsWithStatus) Object.assign(object, { status: {} });
  resource.prepareCreate?.(object, context);
  return object;
}

export function defaulted<T extends KubeObject>(resource: Resource<T>, given: Given): T {
  const object = { metadata: {}, ...clone(given) } as unknown as T;
  applyDefaults(object, definition(resource.definition));
  resource.defaults(object);
  return object;
}

/** Defaults of defaults are nothing new. */
export function isIdempotent<T extends KubeObject>(resource: Resource<T>, given: Given): boolean {
  const once = defaulted(resource, given);
  return deepEqual(defaulted(resource, once as unknown as Given), once);
}

/** `field: message` of each error of a new object. */
export function createErrors<T extends KubeObject>(resource: Resource<T>, given: Given): string[] {
  const object = created(resource, given);
  return lines([...resource.validate(object), ...resource.validateCreate?.(object) ?? []]);
}

/** The same of an update of what was stored; `change` edits a copy. */
export function updateErrors<T extends KubeObject>(
  resource: Resource<T>,
  old: T,
  change: (object: T) => void,
): string[] {
  const object = updated(resource, old, change);
  return lines([...resource.validate(object), ...resource.validateUpdate?.(object, old) ?? []]);
}

export function updated<T extends KubeObject>(resource: Resource<T>, old: T, change: (object: T) => void): T {
  const object = clone(old);
  change(object);
  applyDefaults(object, definition(resource.definition));
  resource.defaults(object);
  resource.prepareUpdate?.(object, old, context);
  return object;
}

export function statusErrors<T extends KubeObject>(
  resource: Resource<T>,
  old: T,
  change: (object: T) => void,
): string[] {
  const object = clone(old);
  change(object);
  resource.defaults(object);
  resource.prepareStatus?.(object, old, context);
  return lines(resource.validateStatus?.(object, old) ?? []);
}

export const lines = (errors: readonly FieldError[]): string[] =>
  errors.map(({ field, message }) => `${field}: ${message}`);

/** The cells of `kubectl get`; with those of `-o wide` after a `|`. */
export function row<T extends KubeObject>(resource: Resource<T>, object: T): string {
  const cells = (wide: boolean) =>
    resource.columns.filter(({ priority }) => (priority ?? 0) > 0 === wide).map((c) => `${c.value(object, now)}`);
  return [...cells(false), "|", ...cells(true)].join(" ").trim();
}

/** The header of `kubectl get -o wide`, `Age*` for columns that are only there. */
export function header<T extends KubeObject>({ columns }: Resource<T>): string {
  return columns.map(({ name, priority }) => priority ? `${name}*` : name).join(", ");
}
