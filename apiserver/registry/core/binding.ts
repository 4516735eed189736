/** Binding: where a pod goes, as older schedulers post it; `pods/binding` is what is done. */
import type { StandIn } from "../../rest/resource.ts";

export const binding: StandIn = {
  group: "",
  version: "v1",
  kind: "Binding",
  plural: "bindings",
  namespaced: true,
  definition: "io.k8s.api.core.v1.Binding",
  standsFor: { plural: "pods", subresource: "binding" },
};
