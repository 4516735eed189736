/** Whose requests a FlowSchema is about (pkg/apis/flowcontrol/validation, ValidateFlowSchemaSubject). */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { ServiceAccountSubject, Subject } from "../../../lib/types/flowcontrol_v1.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../../../lib/validation.ts";
import { invalids } from "../meta/messages.ts";

/** The field that each kind of subject has. */
const fieldOf = { Group: "group", ServiceAccount: "serviceAccount", User: "user" } as const;
type SubjectKind = keyof typeof fieldOf;
const kinds = Object.keys(fieldOf) as SubjectKind[];
const isKind = (kind: string): kind is SubjectKind => Object.hasOwn(fieldOf, kind);

/** The order in which fields of other kinds are refused. */
const others: Readonly<Record<SubjectKind, readonly SubjectKind[]>> = {
  ServiceAccount: ["User", "Group"],
  User: ["ServiceAccount", "Group"],
  Group: ["ServiceAccount", "User"],
};

export function validateSubject(subject: Subject, path: string): FieldError[] {
  const { kind = "" } = subject;
  if (!isKind(kind)) return [fieldError.notSupported(`${path}.kind`, kind, kinds)];
  const field = fieldOf[kind];
  const at = `${path}.${field}`;
  const errors: FieldError[] = [];
  if (subject[field] === undefined) {
    errors.push(fieldError.required(at, `${field} is required when subject kind is '${kind}'`));
  } else if (kind === "ServiceAccount") errors.push(...validateServiceAccount(subject.serviceAccount!, at));
  else if (!subject[field].name) errors.push(fieldError.required(`${at}.name`));
  for (const other of others[kind]) {
    const name = fieldOf[other];
    if (subject[name] === undefined) continue;
    const detail = `${name} is forbidden when subject kind is not '${other}'`;
    errors.push(fieldError.forbidden(`${path}.${name}`, detail));
  }
  return errors;
}

function validateServiceAccount({ name = "", namespace = "" }: Partial<ServiceAccountSubject>, path: string) {
  const errors: FieldError[] = [];
  if (name === "") errors.push(fieldError.required(`${path}.name`));
  else if (name !== "*") errors.push(...invalids(`${path}.name`, name, isDNS1123Subdomain(name)));
  if (namespace === "") {
    return [...errors, fieldError.required(`${path}.namespace`, "must specify namespace for service account")];
  }
  return [...errors, ...invalids(`${path}.namespace`, namespace, isDNS1123Label(namespace))];
}
