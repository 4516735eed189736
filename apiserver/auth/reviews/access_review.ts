/** May somebody do something? (pkg/registry/authorization: subjectaccessreview, selfsubjectaccessreview, localsubjectaccessreview) */
import type { KubeObject } from "../../../lib/kind.ts";
import { parseFieldSelector, requiredFieldValue } from "../../../lib/selector/fields.ts";
import { type FieldError, fieldError, invalid, statusError } from "../../../lib/status.ts";
import type {
  LocalSubjectAccessReview,
  ResourceAttributes,
  SelfSubjectAccessReview,
  SubjectAccessReview,
  SubjectAccessReviewSpec,
} from "../../../lib/types/authorization_v1.ts";
import type { Review } from "../../rest/rest.ts";
import { type Authorizer, review } from "../authorize.ts";
import type { Access } from "../rules.ts";
import type { User } from "../user.ts";

const group = "authorization.k8s.io";
const place = (kind: string, namespaced: boolean) => ({
  group,
  version: "v1",
  kind,
  plural: `${kind.toLowerCase()}s`,
  namespaced,
  definition: `io.k8s.api.authorization.v1.${kind}`,
});

type AnyReview = { spec: SubjectAccessReviewSpec; status: unknown } & KubeObject;

export function accessReviews(authorizers: readonly Authorizer[]): readonly Review[] {
  const answer = (body: AnyReview, user: User) => {
    const { allowed, reason } = review(authorizers, user, accessOf(body.spec));
    body.status = { allowed, ...(reason === "" ? {} : { reason }) };
    return body;
  };
  return [
    {
      ...place("LocalSubjectAccessReview", true),
      answer(body, { namespace }) {
        const local = withSpec<LocalSubjectAccessReview>(body);
        local.metadata.namespace ||= namespace!;
        if (local.metadata.namespace !== namespace) throw otherNamespace(local.metadata.namespace, namespace!);
        refuse(local, [...subjectErrors(local.spec), ...localErrors(local.spec, namespace!)]);
        return answer(local as AnyReview, userOf(local.spec));
      },
    },
    {
      ...place("SelfSubjectAccessReview", false),
      answer(body, { user }) {
        const self = withSpec<SelfSubjectAccessReview>(body);
        refuse(self, [...attributeErrors(self.spec), ...metadataErrors(self)]);
        return answer(self as unknown as AnyReview, user);
      },
    },
    {
      ...place("SubjectAccessReview", false),
      answer(body) {
        const sar = withSpec<SubjectAccessReview>(body);
        refuse(sar, [...subjectErrors(sar.spec), ...metadataErrors(sar)]);
        return answer(sar as AnyReview, userOf(sar.spec));
      },
    },
  ];
}

function withSpec<T extends { spec: unknown }>(body: KubeObject): T & KubeObject {
  const object = body as unknown as T & KubeObject;
  object.spec ??= {};
  return object;
}

const userOf = ({ user = "", uid, groups = [], extra }: SubjectAccessReviewSpec): User => ({
  name: user,
  uid,
  groups,
  extra,
});

/** What is asked, as a request would ask it. */
export function accessOf({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec): Access {
  if (resourceAttributes === undefined) {
    return { verb: nonResourceAttributes?.verb ?? "", path: nonResourceAttributes?.path ?? "" };
  }
  const { verb = "", group = "", resource = "", subresource, namespace, name } = resourceAttributes;
  const some = (value: string | undefined) => value || undefined;
  return {
    verb,
    path: "",
    resource: {
      group,
      name: resource,
      subresource: some(subresource),
      namespace: some(namespace),
      object: some(name),
      selects: (field) => selected(resourceAttributes, field),
    },
  };
}

/** The one value that the field selector allows. What can't be read selects nothing. */
function selected({ fieldSelector }: ResourceAttributes, field: string): string | undefined {
  if (fieldSelector === undefined) return undefined;
  const one = (fieldSelector.requirements ?? []).find(({ key, operator, values = [] }) =>
    key === field && operator === "In" && values.length === 1
  );
  if (one !== undefined) return one.values![0];
  try {
    return fieldSelector.rawSelector
      ? requiredFieldValue(parseFieldSelector(fieldSelector.rawSelector), field)
      : undefined;
  } catch {
    return undefined;
  }
}

function refuse(body: KubeObject, errors: readonly FieldError[]): void {
  if (errors.length > 0) throw invalid({ group, kind: body.kind }, body.metadata.name ?? "", errors);
}

function subjectErrors(spec: SubjectAccessReviewSpec): FieldError[] {
  const errors = attributeErrors(spec);
  if (spec.user || (spec.groups ?? []).length > 0) return errors;
  return [...errors, fieldError.invalid("spec.user", "", "at least one of user or group must be specified")];
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec): FieldError[] {
  if (resourceAttributes !== undefined && nonResourceAttributes !== undefined) {
    const detail = "cannot be specified in combination with resourceAttributes";
    return [fieldError.invalid("spec.nonResourceAttributes", nonResourceAttributes, detail)];
  }
  if (resourceAttributes === undefined && nonResourceAttributes === undefined) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    return [fieldError.invalid("spec.resourceAttributes", null, detail)];
  }
  return ["fieldSelector", "labelSelector"].flatMap((name) =>
    selectorErrors(resourceAttributes?.[name as "fieldSelector"], `spec.resourceAttributes.${name}`)
  );
}

function selectorErrors(
  selector: ResourceAttributes["fieldSelector"] | ResourceAttributes["labelSelector"],
  path: string,
): FieldError[] {
  if (selector === undefined) return [];
  const { rawSelector = "", requirements = [] } = selector;
  if (rawSelector !== "" && requirements.length > 0) {
    return [
      fieldError.invalid(`${path}.rawSelector`, rawSelector, "may not specified at the same time as requirements"),
    ];
  }
  if (rawSelector === "" && requirements.length === 0) {
    const detail = `when ${path} is specified, requirements or rawSelector is required`;
    return [fieldError.required(`${path}.requirements`, detail)];
  }
  return requirements.flatMap(({ key, operator, values = [] }, i) => {
    const at = `${path}.requirements[${i}]`;
    const errors: FieldError[] = key ? [] : [fieldError.required(`${at}.key`)];
    if (operator === "In" || operator === "NotIn") {
      if (values.length > 0) return errors;
      return [...errors, fieldError.required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")];
    }
    if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length === 0) return errors;
      const detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
      return [...errors, fieldError.forbidden(`${at}.values`, detail)];
    }
    return [...errors, fieldError.invalid(`${at}.operator`, operator ?? "", "not a valid selector operator")];
  });
}

function metadataErrors({ metadata }: KubeObject): FieldError[] {
  const { managedFields: _, ...rest } = metadata as unknown as Record<string, unknown>;
  const given = Object.values(rest).some((value) => value !== undefined && value !== null && value !== "");
  return given ? [fieldError.invalid("metadata", rest, "must be empty")] : [];
}

function localErrors({ resourceAttributes, nonResourceAttributes }: SubjectAccessReviewSpec, namespace: string) {
  const errors: FieldError[] = [];
  const asked = resourceAttributes?.namespace ?? "";
  if (resourceAttributes !== undefined && asked !== namespace) {
    errors.push(fieldError.invalid("spec.resourceAttributes.namespace", asked, "must match metadata.namespace"));
  }
  if (nonResourceAttributes !== undefined) {
    const detail = "disallowed on this kind of request";
    errors.push(fieldError.invalid("spec.nonResourceAttributes", nonResourceAttributes, detail));
  }
  return errors;
}

function otherNamespace(namespace: string, url: string) {
  return statusError("BadRequest", `namespace on object (${namespace}) does not match the request's (${url})`);
}
