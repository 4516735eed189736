/**
 * The flow schemas and priority levels that every cluster has, and that nobody changes
 * (k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap).
 */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { FlowSchemaSpec, PriorityLevelConfigurationSpec, Subject } from "../../../lib/types/flowcontrol_v1.ts";

const everything = {
  resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true }],
  nonResourceRules: [{ verbs: ["*"], nonResourceURLs: ["*"] }],
};
const group = (name: string): Subject => ({ kind: "Group", group: { name } });

export const mandatoryFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  exempt: {
    priorityLevelConfiguration: { name: "exempt" },
    matchingPrecedence: 1,
    rules: [{ subjects: [group("system:masters")], ...everything }],
  },
  "catch-all": {
    priorityLevelConfiguration: { name: "catch-all" },
    matchingPrecedence: 10_000,
    distinguisherMethod: { type: "ByUser" },
    rules: [{ subjects: [group("system:unauthenticated"), group("system:authenticated")], ...everything }],
  },
};

export const mandatoryPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  exempt: { type: "Exempt", exempt: { nominalConcurrencyShares: 0, lendablePercent: 0 } },
  "catch-all": {
    type: "Limited",
    limited: { nominalConcurrencyShares: 5, lendablePercent: 0, limitResponse: { type: "Reject" } },
  },
};

export function validateMandatoryFlowSchema(name: string, spec: FlowSchemaSpec): FieldError[] {
  return Object.hasOwn(mandatoryFlowSchemas, name) ? fixed(name, spec, mandatoryFlowSchemas[name]) : [];
}

/** The numbers of `exempt` may be tuned, nothing else of the two. */
export function validateMandatoryPriorityLevel(name: string, spec: PriorityLevelConfigurationSpec): FieldError[] {
  if (!Object.hasOwn(mandatoryPriorityLevels, name)) return [];
  const wanted = mandatoryPriorityLevels[name]!;
  if (name !== "exempt") return fixed(name, spec, wanted);
  if (deepEqual({ ...spec, exempt: undefined }, { ...wanted, exempt: undefined })) return [];
  const detail = `spec of '${name}' except the 'spec.exempt' field must equal the fixed value`;
  return [fieldError.invalid("spec", spec, detail)];
}

function fixed(name: string, spec: unknown, wanted: unknown): FieldError[] {
  return deepEqual(spec, wanted)
    ? []
    : [fieldError.invalid("spec", spec, `spec of '${name}' must equal the fixed value`)];
}
