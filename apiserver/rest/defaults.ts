/** What an object has without saying so: the schema's defaults, then the kind's own. Idempotent. */
import type { KubeObject } from "../../lib/kind.ts";
import { applyDefaults as applySchemaDefaults } from "../../lib/schema/defaults.ts";
import { definitionOf } from "./body.ts";
import type { Resource } from "./resource.ts";

/** Changes the object. */
export function applyDefaults(resource: Resource, object: KubeObject): void {
  applySchemaDefaults(object, definitionOf(resource));
  resource.defaults(object);
}
