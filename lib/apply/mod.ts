/** Server-side apply: merging applied configurations, and knowing who owns which field. */
export { type Applied, applyPatch, type ApplyRequest, checkConfig, trackUpdate, type UpdateRequest } from "./apply.ts";
export { type FieldSet, fieldSetOf, fromFieldsV1, toFieldsV1 } from "./fieldset.ts";
export type { ManagedFieldsEntry } from "./managed_fields.ts";
