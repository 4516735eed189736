import assert from "assert";
import { createClient } from "../client/client.ts";
import type { KubeObject } from "../kind.ts";
import { systemClock } from "../seams/clock.ts";
import type { ConfigMap } from "../types/core_v1.ts";
import { ConfigMap as ConfigMapKind } from "../types/kinds.ts";
import { createInformer } from "./informer.ts";

const object = (name: string, revision: number, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace: "d", uid: name, resourceVersion: String(revision), creationTimestamp: "", labels },
});

/** A server that answers lists and watches as a script says; each watch is one array of lines, then the stream stays open or ends. */
function scripted(steps: { list?: { revision: number; items: KubeObject[] }; watch?: unknown[]; stay?: true }[]) {
  const asked: string[] = [];
  const used = Promise.withResolvers<void>();
  const client = createClient((request) => {
    const url = new URL(request.url);
    asked.push(`${url.searchParams.get("watch") ? "watch" : "list"} ${url.searchParams.get("resourceVersion") ?? "-"}`);
    const step = steps.shift();
    if (steps.length === 0) used.resolve();
    if (step?.list) {
      return Promise.resolve(
        Response.json({ metadata: { resourceVersion: String(step.list.revision) }, items: step.list.items }),
      );
    }
    if (step?.watch === undefined) return new Promise(() => {});
    const lines = step.watch.map((event) => JSON.stringify(event) + "\n").join("");
    return Promise.resolve(
      new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(lines));
            if (!step.stay) controller.close();
          },
        }),
      ),
    );
  });
  return { client, asked, used: used.promise };
}

const expired = {
  type: "ERROR",
  object: { kind: "Status", status: "Failure", reason: "Expired", code: 410, message: "too old" },
};

Deno.test("an informer lists, watches, resumes where it was, and lists again when that is too old", async () => {
  const { client, asked } = scripted([
    { list: { revision: 5, items: [object("a", 3), object("b", 4)] } },
    { watch: [{ type: "MODIFIED", object: object("a", 6) }, { type: "BOOKMARK", object: object("", 9) }] },
    { watch: [{ type: "DELETED", object: object("b", 10) }, expired] },
    { list: { revision: 20, items: [object("a", 6), object("c", 15)] } },
    { watch: [{ type: "ADDED", object: object("d", 21) }], stay: true },
  ]);
  const informer = createInformer<ConfigMap>(client, ConfigMapKind, { clock: systemClock });
  const changes: string[] = [];
  informer.onChange(({ key, old, now }) =>
    changes.push(`${key} ${old?.metadata.resourceVersion ?? "-"}→${now?.metadata.resourceVersion ?? "-"}`)
  );
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  assert.equal(await informer.reached(21, 5_000), true);
  stop.abort();
  await running;
  assert.deepEqual(asked, ["list -", "watch 5", "watch 9", "list -", "watch 20"]);
  assert.deepEqual(changes, ["d/a -→3", "d/b -→4", "d/a 3→6", "d/b 4→-", "d/c -→15", "d/d -→21"]);
  assert.deepEqual([...informer.list()].map((o) => o.metadata.name), ["a", "c", "d"]);
});

Deno.test("by() finds objects by an index, through changes of the indexed value", async () => {
  const { client } = scripted([
    { list: { revision: 1, items: [object("a", 1, { app: "x" }), object("b", 1, { app: "x" })] } },
    {
      watch: [{ type: "MODIFIED", object: object("a", 2, { app: "y" }) }, { type: "DELETED", object: object("b", 3) }],
      stay: true,
    },
  ]);
  const informer = createInformer<ConfigMap>(client, ConfigMapKind, {
    clock: systemClock,
    indexes: { app: (o) => o.metadata.labels?.app === undefined ? [] : [o.metadata.labels.app] },
  });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await informer.reached(3, 5_000);
  const names = (value: string) => informer.by("app", value).map((o) => o.metadata.name);
  assert.deepEqual([names("x"), names("y"), names("z")], [[], ["a"], []]);
  assert.throws(() => informer.by("nope", "x"), /no index "nope"/);
  stop.abort();
  await running;
});

Deno.test("reached() answers false when the revision does not come in time", async () => {
  const { client } = scripted([{ list: { revision: 1, items: [] } }, { watch: [], stay: true }]);
  const informer = createInformer<ConfigMap>(client, ConfigMapKind, { clock: systemClock });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  assert.equal(await informer.reached(2, 20), false);
  stop.abort();
  await running;
});

Deno.test("an informer keeps no managedFields", async () => {
  const managed = (name: string, revision: number) => {
    const made = object(name, revision);
    return { ...made, metadata: { ...made.metadata, managedFields: [{ manager: "m", operation: "Update" as const }] } };
  };
  const { client } = scripted([
    { list: { revision: 5, items: [managed("a", 3)] } },
    { watch: [{ type: "ADDED", object: managed("b", 6) }], stay: true },
  ]);
  const informer = createInformer<ConfigMap>(client, ConfigMapKind, { clock: systemClock });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  assert.equal(await informer.reached(6, 5_000), true);
  stop.abort();
  await running;
  assert.deepEqual([...informer.list()].map(({ metadata }) => metadata.managedFields), [undefined, undefined]);
  assert.equal(informer.get("d/b")?.metadata.name, "b");
});

Deno.test("an informer keeps of listed and of watched objects what `trim` leaves, and moves on with bookmarks, which it leaves alone", async () => {
  const { client } = scripted([
    { list: { revision: 5, items: [object("a", 3, { app: "web" })] } },
    {
      watch: [{ type: "ADDED", object: object("b", 6, { app: "db" }) }, {
        type: "BOOKMARK",
        object: { metadata: { resourceVersion: "9" } },
      }],
      stay: true,
    },
  ]);
  const trimmed: string[] = [];
  const trim = ({ metadata: { labels: _, ...metadata }, ...rest }: ConfigMap): ConfigMap => {
    trimmed.push(metadata.name);
    return { ...rest, metadata };
  };
  const informer = createInformer<ConfigMap>(client, ConfigMapKind, { clock: systemClock, trim });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  assert.equal(await informer.reached(9, 5_000), true);
  assert.deepEqual(trimmed, ["a", "b"]);
  assert.deepEqual([...informer.list()].map(({ metadata }) => [metadata.name, metadata.labels]), [
    ["a", undefined],
    ["b", undefined],
  ]);
  stop.abort();
  await running;
});
