/**
 * CertificateSigningRequest: somebody asks a signer for a certificate, somebody approves. Who may approve for which signer
 * is admission's business; a signer checks that the request is signed with its own key.
 */
import { humanDuration } from "../../../lib/duration.ts";
import { clone } from "../../../lib/patch/equal.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import { CertificateSigningRequest as kind } from "../../../lib/types/kinds.ts";
import { defineResource, type PrepareContext, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { keepDecisions, stampConditions, validateConditions, validateConditionsUpdate } from "./conditions.ts";
import { certificateError, requestError } from "./pem.ts";
import { validateSignerName } from "../meta/signer_name.ts";

const definition = "io.k8s.api.certificates.v1.CertificateSigningRequest";
const legacySigner = "kubernetes.io/legacy-unknown";
const expirationSecondsMin = 600;
/** Sorted, as they are listed in errors. */
const knownUsages = [
  "any",
  "cert sign",
  "client auth",
  "code signing",
  "content commitment",
  "crl sign",
  "data encipherment",
  "decipher only",
  "digital signature",
  "email protection",
  "encipher only",
  "ipsec end system",
  "ipsec tunnel",
  "ipsec user",
  "key agreement",
  "key encipherment",
  "microsoft sgc",
  "netscape sgc",
  "ocsp signing",
  "s/mime",
  "server auth",
  "signing",
  "timestamping",
];

function validate(object: CertificateSigningRequest): FieldError[] {
  const { request, signerName = "", expirationSeconds } = object.spec;
  const errors: FieldError[] = [];
  const wrong = requestError(request);
  if (wrong !== undefined) errors.push(fieldError.invalid("spec.request", request ?? "", wrong));
  errors.push(...validateUsages(object.spec.usages ?? [], "spec.usages"));
  if (signerName === legacySigner) {
    const detail = "the legacy signerName is not allowed via this API version";
    errors.push(fieldError.invalid("spec.signerName", signerName, detail));
  } else errors.push(...validateSignerName(signerName, "spec.signerName"));
  if (expirationSeconds !== undefined && expirationSeconds < expirationSecondsMin) {
    const detail = "may not specify a duration less than 600 seconds (10 minutes)";
    errors.push(fieldError.invalid("spec.expirationSeconds", expirationSeconds, detail));
  }
  return [...errors, ...validateStatus(object)];
}

function validateUsages(usages: readonly string[], path: string): FieldError[] {
  if (usages.length === 0) return [fieldError.required(path)];
  const unknown = usages.flatMap((usage, i) =>
    knownUsages.includes(usage) ? [] : [fieldError.notSupported(`${path}[${i}]`, usage, knownUsages)]
  );
  const repeated = usages.flatMap((usage, i) =>
    usages.indexOf(usage) < i ? [fieldError.duplicate(`${path}[${i}]`, usage)] : []
  );
  return [...unknown, ...repeated];
}

function validateStatus(object: CertificateSigningRequest): FieldError[] {
  const errors = validateConditions(object);
  const wrong = certificateError(object.status?.certificate);
  if (wrong === undefined) return errors;
  return [...errors, fieldError.invalid("status.certificate", "<certificate data>", wrong)];
}

function validateStatusUpdate(object: CertificateSigningRequest, old: CertificateSigningRequest): FieldError[] {
  const errors = [...validateStatus(object), ...validateConditionsUpdate(object, old, { decide: false })];
  const { certificate = "" } = old.status ?? {};
  if (certificate === "" || object.status?.certificate === certificate) return errors;
  const detail = "updates may not modify existing certificate content";
  return [...errors, fieldError.forbidden("status.certificate", detail)];
}

/** The request is what was asked by whom: nobody says for another who they are. */
function prepareCreate(object: CertificateSigningRequest, { user }: PrepareContext): void {
  const { username: _, uid: __, groups: ___, extra: ____, ...spec } = object.spec;
  const extra = Object.entries(user.extra ?? {}).map(([key, values]) => [key, [...values]]);
  object.spec = {
    ...spec,
    username: user.name,
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    ...(user.groups.length === 0 ? {} : { groups: [...user.groups] }),
    ...(extra.length === 0 ? {} : { extra: Object.fromEntries(extra) }),
  };
  object.status = {};
}

function prepareStatus(
  object: CertificateSigningRequest,
  old: CertificateSigningRequest,
  { now }: PrepareContext,
): void {
  object.status ??= {};
  keepDecisions(object, old);
  stampConditions(object, old, now);
}

/** `/approval`: conditions only. */
function approve(parent: CertificateSigningRequest, body: KubeObject, { now }: PrepareContext): FieldError[] {
  const old = clone(parent);
  const { conditions } = (body as CertificateSigningRequest).status ?? {};
  const { conditions: _, ...status } = parent.status ?? {};
  parent.status = conditions === undefined ? status : { ...status, conditions: clone(conditions) };
  stampConditions(parent, old, now);
  return [...validate(parent), ...validateConditionsUpdate(parent, old, { decide: true })];
}

function stateOf({ status }: CertificateSigningRequest): string {
  const has = (type: string) => (status?.conditions ?? []).some((condition) => condition.type === type);
  const decision = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
  return `${decision}${has("Failed") ? ",Failed" : ""}${status?.certificate ? ",Issued" : ""}`;
}

function durationOf({ spec: { expirationSeconds } }: CertificateSigningRequest): string {
  return expirationSeconds === undefined ? "<none>" : humanDuration(expirationSeconds * 1000);
}

export const certificateSigningRequest: Resource<CertificateSigningRequest> = defineResource<CertificateSigningRequest>(
  kind,
  {
    definition,
    shortNames: ["csr"],
    status: true,
    generation: false,
    defaults(object) {
      object.spec ??= {} as CertificateSigningRequest["spec"];
    },
    prepareCreate,
    prepareUpdate(object, old) {
      object.spec = clone(old.spec);
    },
    prepareStatus,
    validate,
    validateStatus: validateStatusUpdate,
    subresources: {
      approval: {
        do: "write",
        verbs: ["get", "update", "patch"],
        kind: { group: kind.group, version: kind.version, kind: kind.kind },
        definition,
        writes: "status.conditions",
        apply: approve,
      },
    },
    columns: [
      nameColumn,
      ageColumn,
      { name: "SignerName", type: "string", value: ({ spec }) => spec.signerName || "<none>" },
      { name: "Requestor", type: "string", value: ({ spec }) => spec.username ?? "" },
      { name: "RequestedDuration", type: "string", value: durationOf },
      { name: "Condition", type: "string", value: stateOf },
    ],
    fields: { "spec.signerName": ({ spec }) => spec.signerName ?? "" },
  },
  // Any name that fits into a path, which rest/ sees to.
  () => [],
);
