/** metav1.Table: what `kubectl get` prints. Columns come from the resource; one without any gets Name and Created At. */
import type { KubeObject } from "../../lib/kind.ts";
import type { Entry } from "../cache/cache.ts";
import type { Accepted } from "./negotiate.ts";
import { partialText } from "./partial.ts";
import type { Column, Resource } from "./resource.ts";

/** Kubernetes' default table (k8s.io/apiserver/pkg/registry/rest/table.go). */
const plainColumns: readonly Column<KubeObject>[] = [
  {
    name: "Name",
    type: "string",
    format: "name",
    description: "Name must be unique within a namespace.",
    value: (object) => object.metadata.name,
  },
  {
    name: "Created At",
    type: "date",
    description: "CreationTimestamp is a timestamp representing the server time when this object was created.",
    value: (object) => object.metadata.creationTimestamp,
  },
];

function columnsOf(resource: Pick<Resource, "columns">): readonly Column<KubeObject>[] {
  return resource.columns.length === 0 ? plainColumns : resource.columns;
}

const definitions = new WeakMap<Resource, string>();

/** `columnDefinitions` as JSON text. */
export function columnDefinitionsText(resource: Resource): string {
  let text = definitions.get(resource);
  if (text === undefined) {
    text = JSON.stringify(
      columnsOf(resource).map(({ name, type, format, description, priority }) => ({
        name,
        type,
        format: format ?? "",
        description: description ?? "",
        priority: priority ?? 0,
      })),
    );
    definitions.set(resource, text);
  }
  return text;
}

/** One row as JSON text. `now` in ms, for ages. */
export function rowText(resource: Resource, entry: Entry, include: Accepted["include"], now: number): string {
  const cells = columnsOf(resource).map((column) => column.value(entry.object, now));
  return `{"cells":${JSON.stringify(cells)},"object":${rowObject(entry, include)}}`;
}

function rowObject(entry: Entry, include: Accepted["include"]): string {
  if (include === "None") return "null";
  return include === "Object" ? entry.text : partialText(entry.object);
}

/** A Table as JSON text around the rows' texts. `columns`: null where they were told before (later events of a watch). */
export function tableHead(metadata: unknown, columns: string | null): string {
  const meta = JSON.stringify(metadata);
  return `{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":${meta},"columnDefinitions":${columns},"rows":[`;
}

export const tableTail = "]}";
