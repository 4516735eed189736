/** Conflicts of server-side apply, as kube-apiserver says them. */
import { type StatusError, statusError } from "../status.ts";
import { type FieldSet, leaves, type Path, pathString } from "./fieldset.ts";
import type { Manager } from "./managed_fields.ts";

/** Another manager owns what the configuration would change. */
export interface Conflict {
  readonly manager: Manager;
  readonly set: FieldSet;
}

function describe({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = JSON.stringify(manager) +
    (subresource === undefined ? "" : ` with subresource ${JSON.stringify(subresource)}`);
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

/** 409 with a cause for each field. */
export function conflictError(conflicts: readonly Conflict[]): StatusError {
  const all: { who: string; path: Path }[] = conflicts.flatMap(({ manager, set }) =>
    leaves(set).map((path) => ({ who: describe(manager), path }))
  );
  const causes = all.map(({ who, path }) => ({
    reason: "FieldManagerConflict",
    message: `conflict with ${who}`,
    field: pathString(path),
  }));
  return statusError("Conflict", message(all), { causes });
}

function message(all: readonly { who: string; path: Path }[]): string {
  if (all.length === 1) {
    return `Apply failed with 1 conflict: conflict with ${all[0]!.who}: ${pathString(all[0]!.path)}`;
  }
  const lines: string[] = [];
  for (const who of [...new Set(all.map((c) => c.who))].sort()) {
    lines.push(`conflicts with ${who}:`);
    for (const { path } of all.filter((c) => c.who === who)) lines.push(`- ${pathString(path)}`);
  }
  return `Apply failed with ${all.length} conflicts: ${lines.join("\n")}`;
}
