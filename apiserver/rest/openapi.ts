/** OpenAPI v3: what lib/schema makes of the served kinds. */
import type { ResourceSet } from "./resource_set.ts";

/** `/openapi/v3`: where each group version's document is. `hashOf` gives the hash of a document by its path. */
export function openapiIndexOf(set: ResourceSet, hashOf: (groupVersion: string) => string): object {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { name, versions } of set.groups) {
    for (const { version } of versions) {
      const path = name === "" ? `api/${version}` : `apis/${name}/${version}`;
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(path)}` };
    }
  }
  return { paths };
}

export function openapiDocumentOf(_set: ResourceSet, _groupVersion: string): object {
  return {};
}
