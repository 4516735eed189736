/** Asks the admission plugins, in their order: first all that may change the object, then all that may refuse it. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Attributes } from "../admission/plugin.ts";
import type { Claim } from "../storage/store.ts";
import type { Call } from "./call.ts";

export interface Admission {
  readonly attributes: Attributes;
  /** What plugins want to be part of the atomic write. */
  readonly claims: Claim[];
}

export interface Admitted {
  operation: Attributes["operation"];
  name: string;
  subresource?: string;
  object?: KubeObject;
  old?: KubeObject;
  dryRun: boolean;
}

export function admission(call: Call, about: Admitted): Admission {
  const claims: Claim[] = [];
  const attributes: Attributes = {
    ...about,
    verb: call.info.verb,
    resource: call.resource,
    namespace: call.namespace,
    user: call.context.user,
    warn: (message) => call.warn(message),
    claim: (claim) => claims.push(claim),
    annotate: (key, value) => call.context.record?.annotate(key, value),
  };
  return { attributes, claims };
}

/** Throws what a plugin throws. Most have nothing to wait for, and two dozen turns of waiting would be a tenth of a write's work. */
export async function mutate(call: Call, { attributes }: Admission): Promise<void> {
  for (const plugin of call.core.admission) {
    const pending = plugin.mutate?.(attributes, call.core.lookup);
    if (pending !== undefined) await pending;
  }
}

export async function validate(call: Call, { attributes }: Admission): Promise<void> {
  for (const plugin of call.core.admission) {
    const pending = plugin.validate?.(attributes, call.core.lookup);
    if (pending !== undefined) await pending;
  }
}
