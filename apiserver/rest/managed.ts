/** Who set which field: the one place that calls lib/apply. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Call } from "./call.ts";

export interface Tracked {
  before: KubeObject;
  /** Its managedFields are set. */
  after: KubeObject;
  manager: string;
  subresource?: string;
}

export function recordCreate(_call: Call, _object: KubeObject, _manager: string): void {}

export function recordUpdate(_call: Call, _tracked: Tracked): void {}
