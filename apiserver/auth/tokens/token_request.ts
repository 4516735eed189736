/** `serviceaccounts/token`: a token for an account, bound to a pod, a Secret or a Node if wished (pkg/registry/core/serviceaccount). */
import type { KubeObject } from "../../../lib/kind.ts";
import type { Clock } from "../../../lib/seams/clock.ts";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import type { Random } from "../../../lib/seams/random.ts";
import { type FieldError, fieldError, invalid, notFound, statusError } from "../../../lib/status.ts";
import type { BoundObjectReference, TokenRequest } from "../../../lib/types/authentication_v1.ts";
import type { ServiceAccount } from "../../../lib/types/core_v1.ts";
import type { Review } from "../../rest/rest.ts";
import { boundClaims, type TokenSubject } from "./claims.ts";
import type { TokenKeys } from "./jwt.ts";
import type { TokenObjects } from "./objects.ts";

export interface TokenRequestOptions {
  keys: TokenKeys;
  objects: TokenObjects;
  issuer: string;
  audience: string;
  clock: Pick<Clock, "now">;
  random: Random;
}

const minSeconds = 600;
const maxSeconds = 2 ** 32;
/** What pods' volumes ask for: so that it can be told from what a person asks for. */
const projectedSeconds = 3607;
/** Programs that read their token once, at their start, go on for a year (service-account-extend-token-expiration). */
const extendedSeconds = 365 * 24 * 3600;

export function tokenRequest(options: TokenRequestOptions): Review {
  return {
    group: "authentication.k8s.io",
    version: "v1",
    kind: "TokenRequest",
    plural: "token",
    namespaced: true,
    definition: "io.k8s.api.authentication.v1.TokenRequest",
    subresourceOf: { group: "", version: "v1", plural: "serviceaccounts" },
    async answer(body, { namespace, parent }) {
      const request = body as unknown as TokenRequest;
      const account = parent as unknown as ServiceAccount;
      await issue(options, request, { namespace: namespace!, account });
      return request as unknown as KubeObject;
    },
  };
}

async function issue(
  { keys, objects, issuer, audience, clock, random }: TokenRequestOptions,
  request: TokenRequest,
  { namespace, account }: { namespace: string; account: ServiceAccount },
): Promise<void> {
  const { name, uid } = account.metadata;
  place(request, namespace, name);
  const spec = request.spec ??= {};
  spec.expirationSeconds ??= 3600;
  const errors = validate(spec.expirationSeconds);
  if (errors.length > 0) throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, "", errors);
  if ((spec.audiences ?? []).length === 0) spec.audiences = [audience];
  const ref = spec.boundObjectRef;
  const bound = ref === undefined ? {} : await boundTo(objects, ref, { namespace, account: name });
  const now = Math.floor(clock.now() / 1000);
  const lives = spec.expirationSeconds;
  const isOurs = spec.audiences!.length === 1 && spec.audiences![0] === audience;
  const extends_ = lives === projectedSeconds && bound.pod !== undefined && isOurs;
  const times = {
    now,
    expires: now + (extends_ ? extendedSeconds : lives),
    ...(extends_ ? { warnAfter: now + lives } : {}),
  };
  const subject: TokenSubject = { namespace, account: { name, uid }, ...bound };
  const claims = boundClaims(subject, { issuer, audiences: spec.audiences!, id: random.uuid(), times });
  request.status = { token: keys.sign(claims), expirationTimestamp: rfc3339((now + lives) * 1000) };
}

function place(
  { metadata }: TokenRequest & { metadata: { namespace?: string } },
  namespace: string,
  name: string,
): void {
  metadata.name ||= name;
  metadata.namespace ||= namespace;
  if (metadata.name !== name) {
    const message = `the name of the object (${metadata.name}) does not match the name on the URL (${name})`;
    throw statusError("BadRequest", message);
  }
  if (metadata.namespace !== namespace) {
    throw statusError(
      "BadRequest",
      "the namespace of the provided object does not match the namespace sent on the request",
    );
  }
}

function validate(seconds: number): FieldError[] {
  const path = "spec.expirationSeconds";
  if (seconds < minSeconds) {
    return [fieldError.invalid(path, seconds, "may not specify a duration less than 10 minutes")];
  }
  if (seconds > maxSeconds) {
    return [fieldError.invalid(path, seconds, "may not specify a duration larger than 2^32 seconds")];
  }
  return [];
}

type Found = Pick<TokenSubject, "pod" | "secret" | "node">;

/** Throws NotFound, BadRequest, Conflict. */
async function boundTo(
  objects: TokenObjects,
  ref: BoundObjectReference,
  { namespace, account }: { namespace: string; account: string },
): Promise<Found> {
  const { kind = "", apiVersion = "", name = "" } = ref;
  const [version, group = ""] = apiVersion.split("/").reverse();
  const look = { Pod: "pods", Secret: "secrets", Node: "nodes" }[kind];
  if (group !== "" || version !== "v1" || look === undefined) {
    throw statusError("BadRequest", `cannot bind token to object of type ${group}/${version}, Kind=${kind}`);
  }
  const find = () =>
    kind === "Pod"
      ? objects.pod(namespace, name)
      : kind === "Secret"
      ? objects.secret(namespace, name)
      : objects.node(name);
  let found = find();
  if (found === undefined) {
    await objects.fresh();
    found = find();
  }
  if (found === undefined) throw notFound({ group: "", plural: look }, name);
  const { uid } = found.metadata;
  if (ref.uid && ref.uid !== uid) {
    const why = `the UID in the bound object reference (${ref.uid}) does not match the UID in record. ` +
      "The object might have been deleted and then recreated";
    const message = `Operation cannot be fulfilled on ${kind} ${JSON.stringify(name)}: ${why}`;
    throw statusError("Conflict", message, { name, kind });
  }
  if (kind === "Secret") return { secret: { name, uid } };
  if (kind === "Node") return { node: { name, uid } };
  return podOf(objects, { namespace, name, account });
}

function podOf(
  objects: TokenObjects,
  { namespace, name, account }: Record<"namespace" | "name" | "account", string>,
): Found {
  const { metadata, spec } = objects.pod(namespace, name)!;
  if (spec.serviceAccountName !== account) {
    const message = `cannot bind token for serviceaccount ${JSON.stringify(account)} to pod running with different ` +
      "serviceaccount name.";
    throw statusError("BadRequest", message);
  }
  const pod = { name, uid: metadata.uid };
  if (!spec.nodeName) return { pod };
  return { pod, node: { name: spec.nodeName, uid: objects.node(spec.nodeName)?.metadata.uid } };
}
