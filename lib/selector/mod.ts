/** Selectors: what `?labelSelector=` and `?fieldSelector=` mean, and the LabelSelectors of objects. */
export {
  everything,
  type LabelSelector,
  matchesLabels,
  nothing,
  type Operator,
  parseLabelSelector,
  type Requirement,
  type Selector,
  selectorFrom,
  selectorFromMap,
  selectorString,
  validateLabels,
  validateLabelSelector,
} from "./labels.ts";
export {
  checkFieldSelector,
  type FieldGetter,
  type FieldRequirement,
  type FieldSelector,
  fieldSelectorString,
  matchesFields,
  parseFieldSelector,
  requiredFieldValue,
} from "./fields.ts";
