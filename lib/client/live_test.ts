import assert from "assert";
import type { KubeObject } from "../kind.ts";
import { isReason, statusError } from "../status.ts";
import { createClient } from "./client.ts";
import { LiveEvents, type LiveFrame } from "./live.ts";
import { ConfigMap } from "../types/kinds.ts";

const object = (name: string) => ({ metadata: { name } }) as KubeObject;
const added = (name: string): LiveFrame => ({ type: "ADDED", object: object(name), length: 10 });

async function names(events: AsyncIterable<{ object: unknown }>): Promise<string[]> {
  const found: string[] = [];
  for await (const event of events) found.push((event.object as KubeObject).metadata.name);
  return found;
}

Deno.test("a client that offers to take objects is given those of a server that knows that, and reads bytes of any other", async () => {
  const one = object("one");
  const knows = createClient((_, live) => {
    live!.take(() => {});
    live!.write({ type: "ADDED", object: one, length: 10 });
    live!.end();
    return Promise.resolve(new Response());
  });
  const [event] = await Array.fromAsync(knows.watch(ConfigMap, {}, new AbortController().signal));
  assert.equal(event!.object, one as unknown, "the object itself");
  const other = createClient(() => Promise.resolve(new Response(`${JSON.stringify(added("two"))}\n`)));
  assert.deepEqual(await names(other.watch(ConfigMap, {}, new AbortController().signal)), ["two"]);
});

Deno.test("live events come in order, also those that are written while others are read; an end comes after them", async () => {
  const live = new LiveEvents();
  for (const name of ["a", "b"]) live.write(added(name));
  assert.equal(live.pending, 20);
  const found: string[] = [];
  for await (const { object } of live.read<KubeObject>()) {
    found.push(object.metadata.name);
    if (object.metadata.name === "a") live.write(added("c"));
    if (object.metadata.name === "c") queueMicrotask(() => (live.write(added("d")), live.end()));
  }
  assert.deepEqual(found, ["a", "b", "c", "d"]);
  assert.equal(live.pending, 0);
});

Deno.test("onRead() tells who writes that all was read, and that the reader has gone", async () => {
  const live = new LiveEvents();
  let gone = 0;
  live.take(() => gone++);
  live.write(added("a"));
  let read = 0;
  live.onRead(() => read++);
  const iterator = live.read()[Symbol.asyncIterator]();
  await iterator.next();
  assert.equal(read, 0, "it may still be at work with it");
  const next = iterator.next();
  await Promise.resolve();
  assert.equal(read, 1);
  live.write(added("b"));
  await next;
  await iterator.return!();
  assert.equal(gone, 1);
  live.write(added("c"));
  assert.equal(live.pending, 10, "nothing more is taken");
});

Deno.test("a watch that fails throws its Status; one that is cut off ends at once", async () => {
  const live = new LiveEvents();
  const { status } = statusError("Expired", "too old");
  live.write({ type: "ERROR", object: status, length: 0 });
  await assert.rejects(Array.fromAsync(live.read()), (error) => isReason(error, "Expired"));
  const cut = new LiveEvents();
  cut.write(added("a"));
  cut.cut();
  assert.deepEqual(await Array.fromAsync(cut.read()), []);
});
