/** `$(NAME)` in commands, arguments, values and subPathExpr, as k8s.io/kubernetes/third_party/forked/golang/expansion. Pure. */

/**
 * Replaces `$(NAME)` by what `lookup` answers; `$$` is a literal `$`; a name that nobody knows stays as it is written, and so does an
 * unfinished reference.
 */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    const next = text[i + 1];
    if (text[i] !== "$" || next === undefined) {
      result += text[i];
    } else if (next === "$") {
      result += "$";
      i++;
    } else if (next === "(") {
      const end = text.indexOf(")", i + 2);
      if (end < 0) {
        result += "$(";
        i++;
      } else {
        const name = text.slice(i + 2, end);
        result += lookup(name) ?? `$(${name})`;
        i = end;
      }
    } else {
      result += `$${next}`;
      i++;
    }
  }
  return result;
}
