/** Keeps flow control at what the API has of flow schemas and priority levels, from the watch cache. */
import type { FlowSchema, PriorityLevelConfiguration } from "../../lib/types/flowcontrol_v1.ts";
import { follow } from "../auth/follow.ts";
import type { Cache } from "../cache/cache.ts";
import type { FlowControl } from "./flow_control.ts";

export const flowStorages = {
  schemas: "flowcontrol.apiserver.k8s.io/flowschemas",
  levels: "flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
} as const;

/**
 * `declared`: the resources that the cache knows; where flow control's are not among them, the mandatory objects are all there is.
 * `onChange` is told when a schema or a level came, went or was changed by somebody. The answer ends it.
 */
export function followFlowObjects(
  { cache, declared, flow, onChange = () => {} }: {
    cache: Cache;
    declared: readonly string[];
    flow: FlowControl;
    onChange?: () => void;
  },
): () => void {
  if (!declared.includes(flowStorages.schemas) || !declared.includes(flowStorages.levels)) return () => {};
  const schemas = new Map<string, FlowSchema>();
  const levels = new Map<string, PriorityLevelConfiguration>();
  // While a list is read each object would make everything anew: once, when it is through, is enough.
  let due = false;
  const changed = () => {
    if (due) return;
    due = true;
    queueMicrotask(() => {
      due = false;
      flow.configure({ schemas: schemas.values(), levels: levels.values() });
      onChange();
    });
  };
  const keep = <T extends FlowSchema | PriorityLevelConfiguration>(storage: string, into: Map<string, T>) =>
    follow<T>(cache, storage, {
      reset: () => into.clear(),
      put: (key, object) => {
        into.set(key, object);
        changed();
      },
      remove: (key) => {
        into.delete(key);
        changed();
      },
    });
  const stops = [keep(flowStorages.schemas, schemas), keep(flowStorages.levels, levels)];
  return () => stops.forEach((stop) => stop());
}
