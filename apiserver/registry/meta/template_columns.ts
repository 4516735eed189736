/** The wide columns of kinds that have a pod template: names and images of its containers, and a selector. */
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import type { Column } from "../../rest/resource.ts";

/** Containers, Images and Selector, shown with `-o wide`. `selector` absent: without that column. */
export function templateColumns<T>(
  templateOf: (object: T) => PodTemplateSpec | undefined,
  selector?: (object: T) => string,
): Column<T>[] {
  const columns: Column<T>[] = [
    { name: "Containers", type: "string", priority: 1, value: (object) => containerNames(templateOf(object)) },
    { name: "Images", type: "string", priority: 1, value: (object) => containerImages(templateOf(object)) },
  ];
  if (selector !== undefined) columns.push({ name: "Selector", type: "string", priority: 1, value: selector });
  return columns;
}

export function containerNames(template: PodTemplateSpec | undefined): string {
  return (template?.spec.containers ?? []).map((container) => container.name).join(",");
}

export function containerImages(template: PodTemplateSpec | undefined): string {
  return (template?.spec.containers ?? []).map((container) => container.image ?? "").join(",");
}
