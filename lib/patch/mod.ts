/** Patches: pure functions from an object and a patch to the object that comes of it. */
export { clone, deepEqual, isObject, type Json } from "./equal.ts";
export { applyJsonPatch } from "./json_patch.ts";
export { applyMergePatch } from "./merge_patch.ts";
export { applyStrategicMergePatch } from "./strategic.ts";
