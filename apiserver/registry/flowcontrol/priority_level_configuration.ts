/** PriorityLevelConfiguration: a share of the server's capacity. Acted on by apiserver/flow. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type {
  ExemptPriorityLevelConfiguration,
  LimitedPriorityLevelConfiguration,
  LimitResponse,
  PriorityLevelConfiguration,
  QueuingConfiguration,
} from "../../../lib/types/flowcontrol_v1.ts";
import { PriorityLevelConfiguration as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { validateFlowConditions } from "./condition.ts";
import { validateMandatoryPriorityLevel } from "./mandatory.ts";

const defaultShares = 30;
const defaultQueuing = { handSize: 8, queues: 64, queueLengthLimit: 50 } as const;
const queuesMax = 10_000_000;
/** Bits of the hash from which a flow's queues are dealt. */
const hashBitsMax = 60;
const notNegative = "must be a non-negative integer";

function defaults(object: PriorityLevelConfiguration): void {
  const { exempt, limited } = object.spec ??= {} as PriorityLevelConfiguration["spec"];
  if (exempt !== undefined) {
    exempt.nominalConcurrencyShares ??= 0;
    exempt.lendablePercent ??= 0;
  }
  if (limited === undefined) return;
  limited.nominalConcurrencyShares ??= defaultShares;
  limited.lendablePercent ??= 0;
  const queuing = limited.limitResponse?.queuing;
  if (queuing === undefined) return;
  for (const name of ["handSize", "queues", "queueLengthLimit"] as const) queuing[name] ||= defaultQueuing[name];
}

function validate(object: PriorityLevelConfiguration): FieldError[] {
  const { spec, metadata } = object;
  const { type = "", exempt, limited } = spec;
  const errors: FieldError[] = [];
  if ((metadata.name === "exempt") !== (type === "Exempt")) {
    errors.push(fieldError.invalid("spec.type", type, "type must be 'Exempt' if and only if `name` is 'exempt'"));
  }
  if (type === "Exempt") {
    if (limited !== undefined) {
      errors.push(fieldError.forbidden("spec.limited", "must be nil if the type is not Limited"));
    }
    if (exempt !== undefined) errors.push(...validateExempt(exempt, "spec.exempt"));
  } else if (type === "Limited") {
    if (exempt !== undefined) errors.push(fieldError.forbidden("spec.exempt", "must be nil if the type is Limited"));
    if (limited === undefined) {
      errors.push(fieldError.required("spec.limited", "must not be empty when type is Limited"));
    } else errors.push(...validateLimited(limited, "spec.limited"));
  } else errors.push(fieldError.notSupported("spec.type", type, ["Exempt", "Limited"]));
  return [...errors, ...validateMandatoryPriorityLevel(metadata.name, spec), ...validateFlowConditions(object)];
}

function validateShares(level: ExemptPriorityLevelConfiguration, path: string): FieldError[] {
  const { nominalConcurrencyShares: shares } = level;
  if (shares === undefined || shares >= 0) return [];
  return [fieldError.invalid(`${path}.nominalConcurrencyShares`, shares, notNegative)];
}

function validateLendable({ lendablePercent: percent }: ExemptPriorityLevelConfiguration, path: string): FieldError[] {
  if (percent === undefined || (percent >= 0 && percent <= 100)) return [];
  return [fieldError.invalid(`${path}.lendablePercent`, percent, "must be between 0 and 100, inclusive")];
}

function validateExempt(level: ExemptPriorityLevelConfiguration, path: string): FieldError[] {
  return [...validateShares(level, path), ...validateLendable(level, path)];
}

function validateLimited(level: LimitedPriorityLevelConfiguration, path: string): FieldError[] {
  const { borrowingLimitPercent: borrowed } = level;
  const errors = [
    ...validateShares(level, path),
    ...validateResponse(level.limitResponse, `${path}.limitResponse`),
    ...validateLendable(level, path),
  ];
  if (borrowed === undefined || borrowed >= 0) return errors;
  const detail = `if specified, ${notNegative}`;
  return [...errors, fieldError.invalid(`${path}.borrowingLimitPercent`, borrowed, detail)];
}

function validateResponse(response: LimitResponse | undefined, path: string): FieldError[] {
  const { type = "", queuing } = response ?? {};
  const at = `${path}.queuing`;
  switch (type) {
    case "Reject":
      if (queuing === undefined) return [];
      return [fieldError.forbidden(at, "must be nil if limited.limitResponse.type is not Limited")];
    case "Queue":
      if (queuing !== undefined) return validateQueuing(queuing, at);
      return [fieldError.required(at, "must not be empty if limited.limitResponse.type is Limited")];
    default:
      return [fieldError.notSupported(`${path}.type`, type, ["Queue", "Reject"])];
  }
}

function validateQueuing(queuing: QueuingConfiguration, path: string): FieldError[] {
  const { handSize = 0, queues = 0, queueLengthLimit = 0 } = queuing;
  const errors: FieldError[] = [];
  const wrong = (name: keyof QueuingConfiguration, detail: string) =>
    errors.push(fieldError.invalid(`${path}.${name}`, queuing[name] ?? 0, detail));
  if (queueLengthLimit <= 0) wrong("queueLengthLimit", "must be positive");
  if (queues <= 0) wrong("queues", "must be positive");
  else if (queues > queuesMax) wrong("queues", `must not be greater than ${queuesMax}`);
  if (handSize <= 0) wrong("handSize", "must be positive");
  else if (handSize > queues) wrong("handSize", `should not be greater than queues (${queues})`);
  else if (Math.ceil(Math.log2(queues) * handSize) > hashBitsMax) {
    const what = `required entropy bits of deckSize ${queues} and handSize ${handSize}`;
    wrong("handSize", `${what} should not be greater than ${hashBitsMax}`);
  }
  return errors;
}

const ofQueuing = ({ spec }: PriorityLevelConfiguration, name: keyof QueuingConfiguration) =>
  spec.limited?.limitResponse?.queuing?.[name] ?? "<none>";

export const priorityLevelConfiguration: Resource<PriorityLevelConfiguration> = defineResource<
  PriorityLevelConfiguration
>(kind, {
  definition: "io.k8s.api.flowcontrol.v1.PriorityLevelConfiguration",
  status: true,
  defaults,
  validate,
  validateStatus: validateFlowConditions,
  columns: [
    nameColumn,
    { name: "Type", type: "string", value: ({ spec }) => spec.type },
    {
      name: "NominalConcurrencyShares",
      type: "string",
      value: ({ spec }) => spec.limited?.nominalConcurrencyShares ?? "<none>",
    },
    { name: "Queues", type: "string", value: (object) => ofQueuing(object, "queues") },
    { name: "HandSize", type: "string", value: (object) => ofQueuing(object, "handSize") },
    { name: "QueueLengthLimit", type: "string", value: (object) => ofQueuing(object, "queueLengthLimit") },
    ageColumn,
  ],
}, isDNS1123Subdomain);
