/** What the API serves, asked from its own discovery, so that custom resources are known like all others. */
import type { Client } from "../../lib/client/client.ts";
import type { Kind } from "../../lib/kind.ts";
import type { APIGroupList, APIResource, APIResourceList, APIVersions } from "../../lib/types/meta_v1.ts";

export interface ServedKind extends Kind {
  readonly verbs: readonly string[];
}

export interface Discovered {
  /** Each resource once, in the version that its group prefers. */
  kinds: readonly ServedKind[];
  /** `group/version: message` of those that could not be asked. */
  failures: readonly string[];
}

/** Asks the server for all its resources. Groups that fail are named; the rest is answered. Throws when nothing can be asked. */
export async function discover(client: Client): Promise<Discovered> {
  const core = await json<APIVersions>(client, "/api");
  const { groups } = await json<APIGroupList>(client, "/apis");
  const versions = [
    ...core.versions.map((version) => ({ group: "", version, path: `/api/${version}` })),
    ...groups.flatMap((group) => {
      const preferred = group.preferredVersion?.version ?? group.versions[0]?.version;
      // The preferred version first: of a resource in several versions the first is taken.
      const all = group.versions.map(({ version }) => version).sort((a, b) =>
        Number(b === preferred) - Number(a === preferred)
      );
      return all.map((version) => ({ group: group.name, version, path: `/apis/${group.name}/${version}` }));
    }),
  ];
  const failures: string[] = [];
  const found = new Map<string, ServedKind>();
  const lists = await Promise.all(versions.map(async ({ group, version, path }) => {
    try {
      const { resources } = await json<APIResourceList>(client, path);
      return resources.map((resource) => served(resource, group, version));
    } catch (error) {
      failures.push(`${path.replace(/^\/apis?\//, "")}: ${(error as Error).message}`);
      return [];
    }
  }));
  for (const kind of lists.flat()) {
    const name = `${kind.plural}.${kind.group}`;
    // Subresources are `pods/log`.
    if (!kind.plural.includes("/") && !found.has(name)) found.set(name, kind);
  }
  return { kinds: [...found.values()], failures };
}

async function json<T>(client: Client, path: string): Promise<T> {
  return await (await client.raw("GET", path)).json();
}

function served(resource: APIResource, group: string, version: string): ServedKind {
  const { name: plural, kind, namespaced, verbs } = resource;
  return { group: resource.group || group, version: resource.version || version, kind, plural, namespaced, verbs };
}
