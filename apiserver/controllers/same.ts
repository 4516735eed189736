/** Equality of JSON values. A member that is `undefined` is absent: that is how it goes over the wire. */

export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) || Array.isArray(b)) {
    if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false;
    return a.every((item, i) => same(item, b[i]));
  }
  return covers(a as Members, b as Members) && covers(b as Members, a as Members, { keysOnly: true });
}

type Members = Record<string, unknown>;

/** Every member of `a` is in `b`, and equal there unless only the keys are asked for. */
function covers(a: Members, b: Members, { keysOnly }: { keysOnly?: true } = {}): boolean {
  for (const key in a) {
    if (a[key] === undefined) continue;
    if (b[key] === undefined || (!keysOnly && !same(a[key], b[key]))) return false;
  }
  return true;
}

/** The value with sorted keys and without undefined members: equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, member) => {
    if (member === null || typeof member !== "object" || Array.isArray(member)) return member;
    return Object.fromEntries(Object.keys(member).sort().map((key) => [key, (member as Members)[key]]));
  });
}
