/** OpenAPI v3: what lib/schema makes of the served kinds. */
import {
  openapiDocument,
  openapiPath,
  type ServedGroup,
  type ServedResource,
  type ServedSubresource,
} from "../../lib/schema/openapi.ts";
import { definition } from "../../lib/schema/schema.ts";
import { definitionOf } from "./body.ts";
import { subresourcesOf } from "./discovery.ts";
import type { Posted, Resource } from "./resource.ts";
import type { ResourceSet } from "./resource_set.ts";

/** `/openapi/v3`: where each group version's document is. `hashOf` gives the hash of a document by its path. */
export function openapiIndexOf(set: ResourceSet, hashOf: (path: string) => string): object {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const { name, versions } of set.groups) {
    for (const { version } of versions) {
      const path = openapiPath({ group: name, version });
      paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${hashOf(path)}` };
    }
  }
  return { paths };
}

/** The document of a group version that is served. */
export function openapiDocumentOf(set: ResourceSet, group: string, version: string): object {
  const { resources, reviews } = set.version(group, version)!;
  const served: ServedGroup = {
    group,
    version,
    resources: [
      ...resources.map((resource) => servedResource(resource, reviews)),
      ...reviews.filter((review) => review.subresourceOf === undefined).map(servedReview),
    ],
  };
  return openapiDocument(served);
}

function servedResource(resource: Resource, reviews: readonly Posted[]): ServedResource {
  const { group, version, kind, plural, namespaced, verbs } = resource;
  const connecting = (name: string) => resource.subresources[name]?.do === "connect";
  const subresources: ServedSubresource[] = subresourcesOf(resource).filter(({ name }) => !connecting(name));
  const own = reviews.filter((review) => review.subresourceOf?.plural === plural);
  return {
    group,
    version,
    kind,
    plural,
    namespaced,
    verbs,
    definition: definitionOf(resource),
    subresources: [
      ...subresources,
      ...own.map((review) => ({ name: review.plural, kind: kindOf(review), verbs: ["create"] })),
    ],
  };
}

const kindOf = ({ group, version, kind }: Posted) => ({ group, version, kind });

function servedReview(review: Posted): ServedResource {
  const { plural, namespaced } = review;
  return { ...kindOf(review), plural, namespaced, verbs: ["create"], definition: definition(review.definition) };
}
