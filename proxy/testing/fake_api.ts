/**
 * As much of the API as the proxy's informers need: list, watch and get of any kind, from objects that a test puts in. Runs in a namespace of its
 * own process, told what to do over a unix socket: `fake_api.ts SOCKET PORT`; one JSON line per order, `[object…]` or `{ delete: object }`.
 */
interface Stored {
  kind: string;
  metadata: { name: string; namespace?: string; resourceVersion: string };
  spec?: { nodeName?: string };
}

const plurals: Record<string, string> = {
  Service: "services",
  EndpointSlice: "endpointslices",
  Node: "nodes",
  Namespace: "namespaces",
  Pod: "pods",
  ConfigMap: "configmaps",
};

const objects = new Map<string, Stored>();
const watchers = new Set<{ plural: string; matches(object: Stored): boolean; send(line: string): void }>();
let revision = 1;

const idOf = (object: Stored) => `${plurals[object.kind]}/${object.metadata.namespace ?? ""}/${object.metadata.name}`;

function put(object: Stored): void {
  const type = objects.has(idOf(object)) ? "MODIFIED" : "ADDED";
  const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } };
  objects.set(idOf(object), stored);
  tell(type, stored);
}

function remove(object: Stored): void {
  objects.delete(idOf(object));
  tell("DELETED", { ...object, metadata: { ...object.metadata, resourceVersion: String(++revision) } });
}

function tell(type: string, object: Stored): void {
  for (const watcher of watchers) {
    if (watcher.plural === plurals[object.kind] && watcher.matches(object)) {
      watcher.send(JSON.stringify({ type, object }) + "\n");
    }
  }
}

/** One object of a namespace. */
function one(namespace: string, plural: string, name: string): Response {
  const object = objects.get(`${plural}/${namespace}/${name}`);
  if (object !== undefined) return Response.json(object);
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404 };
  return Response.json(status, { status: 404 });
}

function answer(request: Request): Response {
  const url = new URL(request.url);
  const [, namespace, kind, name] = /\/namespaces\/([^/]+)\/([^/]+)\/([^/]+)$/.exec(url.pathname) ?? [];
  if (name !== undefined) return one(namespace!, kind!, name);
  const plural = url.pathname.split("/").at(-1)!;
  const [field, value] = (url.searchParams.get("fieldSelector") ?? "=").split("=");
  const matches = (object: Stored) =>
    field === "metadata.name"
      ? object.metadata.name === value
      : field === "spec.nodeName"
      ? object.spec?.nodeName === value
      : true;
  if (url.searchParams.get("watch") === null) {
    const items = [...objects].filter(([id, object]) => id.startsWith(`${plural}/`) && matches(object)).map((
      [, object],
    ) => object);
    return Response.json({ kind: "List", metadata: { resourceVersion: String(revision) }, items });
  }
  const encoder = new TextEncoder();
  let watcher: { plural: string; matches(object: Stored): boolean; send(line: string): void };
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      watcher = { plural, matches, send: (line) => controller.enqueue(encoder.encode(line)) };
      watchers.add(watcher);
      // What came between the list and the watch.
      const since = Number(url.searchParams.get("resourceVersion"));
      for (const [id, object] of objects) {
        if (id.startsWith(`${plural}/`) && Number(object.metadata.resourceVersion) > since && matches(object)) {
          watcher.send(JSON.stringify({ type: "ADDED", object }) + "\n");
        }
      }
      watcher.send("\n");
    },
    cancel() {
      watchers.delete(watcher);
    },
  });
  return new Response(body, { headers: { "content-type": "application/json" } });
}

if (import.meta.main) {
  const [path, port] = Deno.args;
  Deno.serve({ port: Number(port), hostname: "127.0.0.1", onListen() {} }, answer);
  for await (const conn of Deno.listen({ transport: "unix", path: path! })) {
    let rest = "";
    for await (const text of conn.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const order: Stored[] | { delete: Stored } = JSON.parse(line);
        if (Array.isArray(order)) order.forEach(put);
        else remove(order.delete);
      }
    }
  }
}
