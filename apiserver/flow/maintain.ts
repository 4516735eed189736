/**
 * Keeps the flow schemas and priority levels that every cluster has (k8s.io/apiserver/pkg/server/../rest/storage_flowcontrol.go and
 * pkg/apis/flowcontrol/bootstrap): the mandatory ones as they must be, the suggested ones as they are suggested until an administrator
 * takes them over; and each FlowSchema's condition, which says whether its priority level exists. Safe on several servers at once.
 */
import { getLogger } from "log";
import type { Client } from "../../lib/client/client.ts";
import { flowMaintainMs } from "../../lib/limits.ts";
import { deepEqual } from "../../lib/patch/equal.ts";
import { type Clock, type Instant, rfc3339, sleep } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type {
  FlowSchema,
  FlowSchemaCondition,
  FlowSchemaSpec,
  PriorityLevelConfiguration,
  PriorityLevelConfigurationSpec,
} from "../../lib/types/flowcontrol_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import {
  mandatoryFlowSchemas,
  mandatoryPriorityLevels,
  suggestedFlowSchemas,
  suggestedPriorityLevels,
} from "./suggested.ts";

/** `true`: the server may change the spec; `false`: the administrator has taken the object over. */
const updatesItself = "apf.kubernetes.io/autoupdate-spec";
const logger = getLogger(["sauropod", "flow"]);

type FlowObject = FlowSchema | PriorityLevelConfiguration;
type Spec = FlowSchemaSpec | PriorityLevelConfigurationSpec;

export type FlowAction =
  | { do: "create"; name: string; spec: Spec; why: string }
  | { do: "update"; object: FlowObject; why: string }
  | { do: "delete"; name: string; why: string };

interface Wanted {
  readonly mandatory: Readonly<Record<string, Spec>>;
  readonly suggested: Readonly<Record<string, Spec>>;
}

/** What must be done to the objects of one kind. Pure. */
export function planFlowObjects(found: readonly FlowObject[], { mandatory, suggested }: Wanted): FlowAction[] {
  const byName = new Map(found.map((object) => [object.metadata.name, object]));
  const actions: FlowAction[] = [];
  for (const [name, wanted] of Object.entries({ ...mandatory, ...suggested })) {
    const object = byName.get(name);
    if (object === undefined) {
      actions.push({ do: "create", name, spec: wanted, why: "every cluster has it" });
      continue;
    }
    const isMandatory = Object.hasOwn(mandatory, name);
    const mayUpdate = isMandatory || isOurs(object);
    const spec = mayUpdate ? specFor(object, wanted) : object.spec;
    const annotations = { ...object.metadata.annotations, [updatesItself]: String(mayUpdate) };
    if (deepEqual(spec, object.spec) && annotations[updatesItself] === object.metadata.annotations?.[updatesItself]) {
      continue;
    }
    const changed = { ...object, metadata: { ...object.metadata, annotations }, spec } as FlowObject;
    actions.push({ do: "update", object: changed, why: "it is kept as every cluster has it" });
  }
  for (const { metadata: { name, annotations } } of found) {
    if (annotations?.[updatesItself] !== "true" || Object.hasOwn(mandatory, name) || Object.hasOwn(suggested, name)) {
      continue;
    }
    actions.push({ do: "delete", name, why: "it was suggested once and is no longer" });
  }
  return actions;
}

/** Who has not said whether it may be changed, and has never changed it, leaves it to the server. */
function isOurs({ metadata: { annotations, generation } }: FlowObject): boolean {
  const said = annotations?.[updatesItself];
  return said === "true" || said === "false" ? said === "true" : generation === 1;
}

/** The numbers of the exempt level are the administrator's. */
function specFor({ spec }: FlowObject, wanted: Spec): Spec {
  const exempt = "exempt" in spec ? spec.exempt : undefined;
  return "type" in wanted && wanted.type === "Exempt" && exempt !== undefined ? { ...wanted, exempt } : wanted;
}

/** FlowSchemas whose condition is not what it should be, with the one that is. Pure. */
export function planConditions(
  schemas: readonly FlowSchema[],
  levels: ReadonlySet<string>,
  now: Instant,
): FlowSchema[] {
  return schemas.flatMap((schema) => {
    const { name } = schema.spec.priorityLevelConfiguration;
    const exists = levels.has(name);
    const what = `This FlowSchema references the PriorityLevelConfiguration object named ${JSON.stringify(name)}`;
    const next = {
      type: "Dangling",
      status: exists ? "False" : "True",
      reason: exists ? "Found" : "NotFound",
      message: exists ? `${what} and it exists` : `${what} but there is no such object`,
    };
    const conditions = schema.status?.conditions ?? [];
    const old = conditions.find(({ type }) => type === next.type);
    if (old !== undefined && old.status === next.status && old.reason === next.reason && old.message === next.message) {
      return [];
    }
    const lastTransitionTime = old?.status === next.status ? old.lastTransitionTime : rfc3339(now);
    const others = conditions.filter((condition: FlowSchemaCondition) => condition !== old);
    return [{ ...schema, status: { ...schema.status, conditions: [...others, { ...next, lastTransitionTime }] } }];
  });
}

/** One look. Needs a client that may write both kinds. */
export async function ensureFlowObjects(client: Client, clock: Pick<Clock, "now">): Promise<void> {
  await ensure(client, kinds.PriorityLevelConfiguration, {
    mandatory: mandatoryPriorityLevels,
    suggested: suggestedPriorityLevels,
  });
  await ensure(client, kinds.FlowSchema, { mandatory: mandatoryFlowSchemas, suggested: suggestedFlowSchemas });
  const { items: levels } = await client.list(kinds.PriorityLevelConfiguration);
  const names = new Set(levels.map(({ metadata }) => metadata.name));
  const { items: schemas } = await client.list(kinds.FlowSchema);
  await Promise.all(
    planConditions(schemas, names, clock.now()).map((schema) =>
      unlessOthersDid(() => client.update(kinds.FlowSchema, schema, { subresource: "status" }))
    ),
  );
}

async function ensure(
  client: Client,
  kind: typeof kinds.FlowSchema | typeof kinds.PriorityLevelConfiguration,
  wanted: Wanted,
): Promise<void> {
  const any = kind as typeof kinds.FlowSchema;
  const { items } = await client.list(any);
  const act = async (action: FlowAction) => {
    if (action.do === "update") return void await client.update(any, action.object as FlowSchema);
    if (action.do === "delete") return await client.delete(any, { name: action.name });
    const metadata = { name: action.name, annotations: { [updatesItself]: "true" } };
    await client.create(any, { metadata, spec: action.spec as FlowSchemaSpec });
  };
  await Promise.all(planFlowObjects(items, wanted).map((action) => unlessOthersDid(() => act(action))));
}

/** Another server, or an administrator, was first: the next look sees what is left to do. */
async function unlessOthersDid(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isReason(error, "AlreadyExists", "Conflict", "NotFound")) throw error;
  }
}

/** Looks after them until the signal aborts. The answer's `wake` has it look soon. */
export function maintainFlowObjects(
  { client, clock, signal }: { client: Client; clock: Clock; signal: AbortSignal },
): { wake(): void; ended: Promise<void> } {
  let woken = new AbortController();
  const run = async () => {
    while (!signal.aborted) {
      await sleep(clock, flowMaintainMs, AbortSignal.any([signal, woken.signal]));
      if (signal.aborted) return;
      woken = new AbortController();
      try {
        await ensureFlowObjects(client, clock);
      } catch (error) {
        if (!signal.aborted) logger.warn("flow schemas could not be looked after: {error}", { error: String(error) });
      }
    }
  };
  return { wake: () => woken.abort(), ended: run() };
}
