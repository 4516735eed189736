/**
 * OpenAPI v3 documents, one for each group version that is served, and their index (`/openapi/v3`). kubectl looks here
 * for what a kind's PATCH takes (`fieldValidation`), for `explain`, and for merge keys. Leaves out v2, which is
 * protobuf only and not asked for by kubectl ≥ 1.28.
 */
import { createHash } from "node:crypto";
import { operationsOf } from "./openapi_paths.ts";
import { schemasOf } from "./openapi_schemas.ts";
import type { Definition, GroupVersionKind } from "./schema.ts";

export interface ServedSubresource {
  /** `status`, `scale`, `binding`. */
  readonly name: string;
  /** What its bodies are: `autoscaling/v1 Scale`, or the resource's own kind. */
  readonly kind: GroupVersionKind;
  /** `get`, `update`, `patch`, `create`, `delete`; anything streamed is left out. */
  readonly verbs: readonly string[];
}

export interface ServedResource extends GroupVersionKind {
  readonly plural: string;
  readonly namespaced: boolean;
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verbs: readonly string[];
  readonly subresources?: readonly ServedSubresource[];
  /** Of a built-in kind it is found by its group, version and kind. */
  readonly definition?: Definition;
  /** A custom resource's openAPIV3Schema, shown as it is. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** `PodList` unless said otherwise. */
  readonly listKind?: string;
}

export interface ServedGroup {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly ServedResource[];
}

export interface OpenApiIndex {
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

/** `api/v1`, `apis/apps/v1`: a group version's place in the index, and in its URL after `/openapi/v3/`. */
export function openapiPath({ group, version }: { group: string; version: string }): string {
  return group === "" ? `api/${version}` : `apis/${group}/${version}`;
}

const texts = new WeakMap<ServedGroup, { readonly text: string; readonly hash: string }>();

/** The document as JSON text, and its hash. Made once for each group object: a change of what is served makes a new one. */
export function openapiText(group: ServedGroup): { readonly text: string; readonly hash: string } {
  const known = texts.get(group);
  if (known !== undefined) return known;
  const text = JSON.stringify(openapiDocument(group));
  const made = { text, hash: createHash("sha256").update(text).digest("hex").toUpperCase() };
  texts.set(group, made);
  return made;
}

/** The answer to `GET /openapi/v3`. About 20 ms for all built-in groups the first time. */
export function openapiIndex(groups: Iterable<ServedGroup>): OpenApiIndex {
  const paths: Record<string, { serverRelativeURL: string }> = {};
  for (const group of groups) {
    const path = openapiPath(group);
    paths[path] = { serverRelativeURL: `/openapi/v3/${path}?hash=${openapiText(group).hash}` };
  }
  return { paths };
}

/** The answer to `GET /openapi/v3/apis/apps/v1`. Its components are closed under $ref. */
export function openapiDocument(group: ServedGroup): Record<string, unknown> {
  const paths: Record<string, unknown> = {};
  for (const resource of group.resources) Object.assign(paths, operationsOf(resource));
  return {
    openapi: "3.0.0",
    info: { title: "Kubernetes", version: "v1.36.0" },
    paths,
    components: {
      schemas: schemasOf(group),
      securitySchemes: {
        BearerToken: {
          type: "apiKey",
          description: "Bearer Token authentication",
          name: "authorization",
          in: "header",
        },
      },
    },
  };
}
