/** FlowSchema: which requests belong to which priority level. Acted on by apiserver/flow. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { FlowSchema } from "../../../lib/types/flowcontrol_v1.ts";
import { FlowSchema as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { invalids } from "../meta/messages.ts";
import { validateFlowConditions } from "./condition.ts";
import { validateMandatoryFlowSchema } from "./mandatory.ts";
import { validateRules } from "./policy_rule.ts";

const defaultPrecedence = 1000;
const precedenceMax = 10_000;
const distinguishers = ["ByNamespace", "ByUser"];

function validate(object: FlowSchema): FieldError[] {
  const { spec, metadata } = object;
  const { matchingPrecedence = 0, distinguisherMethod } = spec;
  const errors: FieldError[] = [];
  const wrong = (detail: string) =>
    errors.push(fieldError.invalid("spec.matchingPrecedence", matchingPrecedence, detail));
  if (matchingPrecedence <= 0) wrong("must be a positive value");
  if (matchingPrecedence > precedenceMax) wrong(`must not be greater than ${precedenceMax}`);
  if (matchingPrecedence === 1 && metadata.name !== "exempt") {
    wrong("only the schema named 'exempt' may have matchingPrecedence 1");
  }
  if (distinguisherMethod !== undefined && !distinguishers.includes(distinguisherMethod.type)) {
    errors.push(fieldError.notSupported("spec.distinguisherMethod.type", distinguisherMethod, distinguishers));
  }
  const level = spec.priorityLevelConfiguration?.name ?? "";
  const path = "spec.priorityLevelConfiguration.name";
  if (level === "") errors.push(fieldError.required(path, "must reference a priority level"));
  else errors.push(...invalids(path, level, isDNS1123Subdomain(level)));
  (spec.rules ?? []).forEach((rule, i) => errors.push(...validateRules(rule, `spec.rules[${i}]`)));
  return [...errors, ...validateMandatoryFlowSchema(metadata.name, spec), ...validateFlowConditions(object)];
}

export const flowSchema: Resource<FlowSchema> = defineResource<FlowSchema>(kind, {
  definition: "io.k8s.api.flowcontrol.v1.FlowSchema",
  status: true,
  defaults(object) {
    const spec = object.spec ??= {} as FlowSchema["spec"];
    if (!spec.matchingPrecedence) spec.matchingPrecedence = defaultPrecedence;
  },
  validate,
  validateStatus: validateFlowConditions,
  columns: [
    nameColumn,
    { name: "PriorityLevel", type: "string", value: ({ spec }) => spec.priorityLevelConfiguration.name },
    { name: "MatchingPrecedence", type: "string", value: ({ spec }) => spec.matchingPrecedence ?? 0 },
    { name: "DistinguisherMethod", type: "string", value: ({ spec }) => spec.distinguisherMethod?.type ?? "<none>" },
    ageColumn,
    {
      name: "MissingPL",
      type: "string",
      value: ({ status }) => status?.conditions?.find(({ type }) => type === "Dangling")?.status ?? "?",
    },
  ],
}, isDNS1123Subdomain);
