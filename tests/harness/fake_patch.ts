/** JSON merge patch, and as much of strategic merge patch as the controllers send: lists that are merged by a key, `$patch: delete`. */
import type { Loose } from "./fake_store.ts";

/** Lists that strategic merge patch merges, and by which key. */
const mergeKeys: Record<string, string> = {
  ownerReferences: "uid",
  conditions: "type",
  taints: "key",
  containers: "name",
  initContainers: "name",
  ports: "port",
  volumes: "name",
};

export function mergePatch(target: Loose, patch: Loose, options: { strategic?: true } = {}, name = ""): Loose {
  if (Array.isArray(patch)) return options.strategic ? mergeList(target ?? [], patch, name) : patch;
  if (patch === null || typeof patch !== "object") return patch;
  const result: Loose = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else if (key.startsWith(removal)) {
      result[key.slice(removal.length)] = without(result[key.slice(removal.length)], value as Loose[]);
    } else if (!key.startsWith("$")) result[key] = mergePatch(result[key], value, options, key);
  }
  return result;
}

/** Goes before the name of a list of which the patch removes values. */
const removal = "$deleteFromPrimitiveList/";

function without(list: Loose[] | undefined, values: Loose[]): Loose[] | undefined {
  const left = (list ?? []).filter((value) => !values.includes(value));
  return left.length === 0 ? undefined : left;
}

function mergeList(target: Loose[], patch: Loose[], name: string): Loose {
  if (patch.some((item) => item?.$patch === "replace")) return patch.filter((item) => item?.$patch !== "replace");
  const by = mergeKeys[name];
  const first = patch[0];
  if (name === "finalizers") return [...new Set([...target, ...patch])];
  if (by === undefined || (first !== undefined && typeof first !== "object")) return patch;
  let result = [...target];
  for (const item of patch) {
    const at = result.findIndex((other) => other[by] === item[by]);
    if (item.$patch === "delete") result = result.filter((other) => other[by] !== item[by]);
    else if (at >= 0) result[at] = mergePatch(result[at], item, { strategic: true });
    else result.push(item);
  }
  return result.length === 0 ? undefined : result;
}
