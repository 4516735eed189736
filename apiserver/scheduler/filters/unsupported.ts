/** What a pod may ask for and this scheduler can't give: it is told so, rather than placed without it. */
import type { Filter } from "../plugin.ts";

export const unsupported: Filter = {
  name: "Unsupported",
  prepare({ pod: { spec } }) {
    if ((spec.resourceClaims ?? []).length > 0) {
      return { hopeless: "resource claims (spec.resourceClaims) are not supported" };
    }
    if (spec.schedulingGroup !== undefined) {
      return { hopeless: "scheduling groups (spec.schedulingGroup) are not supported" };
    }
    return undefined;
  },
};
