/** ComponentStatus: whether the parts of the control plane are well. Asked for by old tools; stored nowhere. */
import type { ComponentStatus } from "../../../lib/types/core_v1.ts";
import { ComponentStatus as kind } from "../../../lib/types/kinds.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { nameColumn } from "../meta/columns.ts";

const healthOf = ({ conditions }: ComponentStatus) => conditions?.find(({ type }) => type === "Healthy");

function formatHealth(object: ComponentStatus): string {
  const condition = healthOf(object);
  if (condition === undefined) return "Unknown";
  return condition.status === "True" ? "Healthy" : "Unhealthy";
}

export const componentStatus: Resource<ComponentStatus> = defineResource<ComponentStatus>(kind, {
  definition: "io.k8s.api.core.v1.ComponentStatus",
  shortNames: ["cs"],
  verbs: ["get", "list"],
  columns: [
    nameColumn,
    { name: "Status", type: "string", value: formatHealth },
    { name: "Message", type: "string", value: (object) => healthOf(object)?.message ?? "" },
    { name: "Error", type: "string", value: (object) => healthOf(object)?.error ?? "" },
  ],
}, isDNS1123Subdomain);
