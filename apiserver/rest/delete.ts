/** DELETE of one object. */
import { decodeBody } from "../../lib/schema/decode.ts";
import { definition } from "../../lib/schema/schema.ts";
import { type FieldError, fieldError, invalid, notFound } from "../../lib/status.ts";
import type { DeleteOptions as WireOptions } from "../../lib/types/meta_v1.ts";
import type { Entry } from "../cache/cache.ts";
import { admission, mutate, validate } from "./admit.ts";
import { answerEntry, answerObject } from "./answer.ts";
import { readBody } from "./body.ts";
import { type Call, keyFor, prepareContext } from "./call.ts";
import { commit } from "./commit.ts";
import { type DeleteOptions, planDelete } from "./delete_plan.ts";
import { negotiate } from "./negotiate.ts";
import { boolParam, dryRunErrors, intParam } from "./options.ts";
import { successStatus } from "./status_answer.ts";
import { viewOf } from "./view.ts";
import { conflict, onCurrent } from "./write.ts";

export async function remove(call: Call): Promise<Response> {
  const { request, resource } = call;
  const accepted = negotiate(request, call.query, "object");
  const options = await deleteOptions(call);
  const name = call.info.name!;
  const { entry, gone } = await removeObject(call, name, options);
  // Only who asked in the old way to delete dependents first is told that the deletion goes on (Kubernetes' DeleteResource).
  const code = !gone && options.orphanDependents === false ? 202 : 200;
  if (!gone || resource.returnsDeleted) {
    return answerEntry(request, resource, entry, { accepted, now: call.core.clock.now(), code });
  }
  const { uid } = entry.object.metadata;
  const status = successStatus({ name, group: resource.group, kind: resource.plural, uid });
  return answerObject(request, status, { accepted, code, definition: definition(statusDefinition) });
}

export const statusDefinition = "io.k8s.apimachinery.pkg.apis.meta.v1.Status";

/** Deletes, or marks as being deleted. Throws NotFound, Conflict, and what admission says. */
export function removeObject(
  call: Call,
  name: string,
  options: DeleteOptions,
): Promise<{ entry: Entry; gone: boolean }> {
  const { resource } = call;
  const key = keyFor(call, name);
  return onCurrent(call, key, async (old) => {
    if (old === undefined) throw notFound(resource, name);
    const view = viewOf(resource, old);
    checkPreconditions(call, view, options);
    const admitted = admission(call, { operation: "DELETE", name, old: view.object, dryRun: options.dryRun });
    await mutate(call, admitted);
    await validate(call, admitted);
    const plan = planDelete(resource, view.object, options, prepareContext(call));
    if (plan.do === "nothing") return { entry: view, gone: false };
    const { dryRun } = options;
    const { claims } = admitted;
    const type = plan.do === "remove" ? "delete" as const : "put" as const;
    const entry = await commit(call, { key, type, object: plan.object, old, dryRun, claims });
    return { entry, gone: plan.do === "remove" };
  });
}

function checkPreconditions(call: Call, { object }: Entry, { preconditions }: DeleteOptions): void {
  const { name, uid, resourceVersion } = object.metadata;
  const about = { group: call.resource.group, plural: call.resource.kind };
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The ` +
      "object might have been deleted and then recreated";
    throw conflict(about, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ` +
      `ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(about, name, why);
  }
}

/** From the body, or else from the query. Throws BadRequest, Invalid. */
export async function deleteOptions(call: Call): Promise<DeleteOptions> {
  const body = await readBody(call.request);
  if (body.length === 0) return checkedOptions(fromQuery(call.query));
  const wire = fromBody(call, body);
  call.context.record?.requested(wire);
  return checkedOptions(wire);
}

function fromBody(call: Call, body: Uint8Array): WireOptions {
  return decodeBody(body, call.request.headers.get("content-type"), {
    kind: { group: "", version: "v1", kind: "DeleteOptions" },
    definition: definition("io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"),
  }).object;
}

function fromQuery(query: URLSearchParams): WireOptions {
  const propagationPolicy = query.get("propagationPolicy");
  return {
    gracePeriodSeconds: intParam(query, "gracePeriodSeconds"),
    orphanDependents: boolParam(query, "orphanDependents"),
    propagationPolicy: propagationPolicy === null || propagationPolicy === "" ? undefined : propagationPolicy,
    dryRun: query.getAll("dryRun").filter((value) => value !== ""),
  };
}

const policies: readonly unknown[] = [undefined, "Foreground", "Background", "Orphan"];

/** metav1validation.ValidateDeleteOptions; of an Eviction too. */
export function checkedOptions(wire: WireOptions): DeleteOptions {
  const { propagationPolicy, orphanDependents, dryRun = [], gracePeriodSeconds, preconditions } = wire;
  const errors: FieldError[] = [];
  if (orphanDependents !== undefined && propagationPolicy !== undefined) {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    errors.push(fieldError.invalid("propagationPolicy", propagationPolicy, detail));
  }
  if (!policies.includes(propagationPolicy)) {
    const supported = ["Foreground", "Background", "Orphan", "nil"];
    errors.push(fieldError.notSupported("propagationPolicy", propagationPolicy, supported));
  }
  if (wire.ignoreStoreReadErrorWithClusterBreakingPotential) {
    const field = "ignoreStoreReadErrorWithClusterBreakingPotential";
    errors.push(fieldError.forbidden(field, "deleting objects that can't be read is not supported by this server"));
  }
  errors.push(...dryRunErrors(dryRun));
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", kind: "DeleteOptions" }, "", errors);
  return {
    gracePeriodSeconds,
    orphanDependents,
    propagationPolicy: propagationPolicy as DeleteOptions["propagationPolicy"],
    preconditions,
    dryRun: dryRun.length > 0,
  };
}
