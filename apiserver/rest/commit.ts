/** The last step of every write: claims, encoding, and the compare-and-set. Nothing else calls store.write(). */
import { allocationAttemptsMax, objectBytesMax } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { clone } from "../../lib/patch/equal.ts";
import { invalid, statusError } from "../../lib/status.ts";
import { utf8Length } from "../../lib/validation.ts";
import type { Entry } from "../cache/cache.ts";
import { type Claim, ClaimTaken, type Split, WriteConflict } from "../storage/store.ts";
import type { Call } from "./call.ts";
import type { Allocation } from "./resource.ts";
import { Item, splitObject, splitText } from "./text.ts";
import { storedText, viewOf } from "./view.ts";

export interface Commit {
  key: string;
  type: "put" | "delete";
  /** What is to be there; of a delete, the last state, or undefined when that is what is stored. */
  object: KubeObject | undefined;
  /** What is stored now. */
  old: Entry | undefined;
  dryRun: boolean;
  /** Of admission. */
  claims: readonly Claim[];
}

/** What is there now, in the resource's own version. Throws WriteConflict for the caller to try again. */
export async function commit(call: Call, plan: Commit): Promise<Entry> {
  const { resource, core } = call;
  const allocates = resource.allocate !== undefined;
  const taken = new Map<string, ReadonlySet<string>>();
  for (let attempt = 1;; attempt++) {
    // What was picked for an attempt must not be taken for the client's wish in the next one.
    const object = allocates && plan.object !== undefined ? clone(plan.object) : plan.object;
    const wanted = plan.type === "delete" ? undefined : object;
    const old = plan.old === undefined ? undefined : viewOf(resource, plan.old).object;
    const allocations = resource.allocate?.(wanted, old, {
      config: core.config,
      random: core.random,
      taken: (space) => taken.get(space) ?? new Set(),
      objects: (storage) => core.lookup.list(storage),
    }) ?? [];
    const claims = [...allocations.map((a) => a.claim), ...plan.claims];
    try {
      if (plan.dryRun) return await rehearse(call, plan, { object, claims });
      return await write(call, plan, { object, claims });
    } catch (error) {
      if (!(error instanceof ClaimTaken)) throw error;
      const space = error.claim.space;
      refuseOrRetry(call, plan, { allocations, error, attempt });
      taken.set(space, new Set((await core.store.claimed(space)).keys()));
    }
  }
}

/** Returns when allocate() can pick something else. */
function refuseOrRetry(
  call: Call,
  plan: Commit,
  failed: { allocations: readonly Allocation[]; error: ClaimTaken; attempt: number },
): void {
  const { allocations, error, attempt } = failed;
  const mine = allocations.find(({ claim }) => claim.space === error.claim.space && claim.name === error.claim.name);
  if (mine === undefined) throw error;
  if (mine.refused !== undefined) throw invalid(call.resource, plan.object?.metadata.name ?? "", [mine.refused]);
  if (attempt < allocationAttemptsMax) return;
  const what = `${error.claim.space}: others took ${attempt} picks first; try again`;
  throw statusError("ServiceUnavailable", what, { retryAfterSeconds: 1 });
}

interface Ready {
  object: KubeObject | undefined;
  claims: readonly Claim[];
}

async function write(call: Call, plan: Commit, ready: Ready): Promise<Entry> {
  const { resource, core } = call;
  const value = encode(call, plan, ready.object);
  const revision = await core.store.write({
    resource: resource.storage,
    key: plan.key,
    type: plan.type,
    expected: plan.old?.revision ?? 0,
    value,
    history: resource.history,
    claims: ready.claims.length === 0 ? undefined : ready.claims,
    parsed: resource.convert === undefined && ready.object !== undefined
      ? (revision) => withRevision(ready.object!, revision)
      : undefined,
  });
  if (resource.convert === undefined) return item(plan.key, value, revision, ready.object);
  const object = ready.object ?? viewOf(resource, plan.old!).object;
  return item(plan.key, splitObject(object), revision, ready.object);
}

/** Once it has been given away it is left alone. */
function withRevision(object: KubeObject, revision: number): KubeObject {
  const { metadata } = object;
  if (metadata.resourceVersion !== String(revision)) metadata.resourceVersion = String(revision);
  return object;
}

function item(key: string, value: Split, revision: number, object: KubeObject | undefined): Item {
  if (object !== undefined) withRevision(object, revision);
  return new Item(key, revision, value.head + revision + value.tail, object);
}

function encode(call: Call, plan: Commit, object: KubeObject | undefined): Split {
  if (object === undefined) return splitText(plan.old!);
  const value = storedText(call.resource, object);
  const { length } = value.tail;
  // A character is three bytes at most: most objects need no counting.
  if (plan.type === "put" && length * 3 > objectBytesMax) {
    const bytes = utf8Length(value.tail);
    if (bytes > objectBytesMax) {
      const message = `Request entity too large: the object has ${bytes} bytes, the limit is ${objectBytesMax}`;
      throw statusError("RequestEntityTooLarge", message);
    }
  }
  return value;
}

/** What the write would have answered. Claims are looked at and not taken. */
async function rehearse(call: Call, plan: Commit, ready: Ready): Promise<Entry> {
  await checkClaims(call, ready.claims);
  const { storage } = call.resource;
  if (plan.old === undefined) {
    const row = await call.core.store.get(storage, plan.key);
    if (row !== undefined) throw new WriteConflict({ resource: storage, key: plan.key, expected: 0 }, row);
  }
  const revision = plan.old?.revision ?? 0;
  if (ready.object === undefined) return viewOf(call.resource, plan.old!);
  encode(call, plan, ready.object);
  const { resourceVersion: _, ...metadata } = ready.object.metadata;
  const shown = { ...ready.object, metadata } as KubeObject;
  if (plan.old !== undefined) shown.metadata.resourceVersion = String(revision);
  return new Item(plan.key, revision, JSON.stringify(shown), shown);
}

async function checkClaims(call: Call, claims: readonly Claim[]): Promise<void> {
  for (const claim of claims) {
    if (claim.do === "release") continue;
    const held = (await call.core.store.claimed(claim.space)).get(claim.name);
    if (held === undefined && claim.do === "take") continue;
    if (claim.do === "take" ? held !== claim.owner : exceeds(claim, held)) throw new ClaimTaken(claim, held ?? "0");
  }
}

function exceeds(claim: Claim & { do: "add" }, held: string | undefined): boolean {
  return claim.amount > 0 && claim.max !== undefined && Number(held ?? 0) + claim.amount > claim.max;
}
