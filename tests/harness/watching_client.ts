/** For tests: a client as client-go's reflector is one, over HTTP: lists, watches, goes on after a cut, lists again after a 410. */
import assert from "assert";
import type { KubeObject } from "../../lib/kind.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import type { ServerOnStore } from "./server_on_store.ts";

export interface Told {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: number;
  readonly text: string;
}

export interface WatchingOptions {
  /** `/api/v1/configmaps` */
  readonly path: string;
  /** The resource's name in the store. */
  readonly storage: string;
  /** Begins with the initial events of a watch, instead of a list. */
  readonly streaming: boolean;
}

type Event = { type: string; object: KubeObject & { code?: number } };

export class WatchingClient {
  /** What it believes to be there: its key, and its text. */
  readonly objects = new Map<string, string>();
  /** Every time of watching without a new list: where it began, and what it was told. */
  readonly stretches: { after: number; events: Told[] }[] = [];
  position = 0;
  expirations = 0;
  failure: unknown;
  /** The one that it watches at now. */
  server: ServerOnStore | undefined;
  #stopped = false;
  #away = false;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  readonly #running: Promise<void>;

  constructor(private readonly any: () => ServerOnStore, private readonly options: WatchingOptions) {
    this.#running = this.#run().catch((error) => void (this.failure ??= error));
  }

  get storage(): string {
    return this.options.storage;
  }

  /** Its connection breaks; it goes on from where it is, at any server: now, or when it comes back. */
  cut({ away = false } = {}): void {
    this.#away = away;
    void this.#reader?.cancel().catch(() => {});
  }

  comeBack(): void {
    this.#away = false;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.cut();
    await this.#running;
  }

  async #run(): Promise<void> {
    let synced = false;
    while (!this.#stopped) {
      if (this.#away) {
        await sleep(systemClock, 2);
        continue;
      }
      // A server that is away, or has not come so far: again, there or elsewhere.
      const outcome = synced ? await this.#watch() : await this.#begin();
      if (outcome === "expired") {
        this.expirations++;
        synced = false;
      } else if (outcome === "synced") synced = true;
      else if (outcome === "failed") await sleep(systemClock, 5);
    }
  }

  async #ask(query: string): Promise<Response> {
    this.server = this.any();
    return await this.server.handle(new Request(`http://apiserver${this.options.path}?${query}`));
  }

  async #begin(): Promise<"synced" | "expired" | "failed" | "cut"> {
    if (this.options.streaming) return await this.#initialEvents();
    const response = await this.#ask("");
    const list = await response.json();
    if (response.status !== 200) return "failed";
    this.#replace(list.items, Number(list.metadata.resourceVersion));
    return "synced";
  }

  #replace(items: readonly KubeObject[], revision: number): void {
    // A list without a revision is of now, at whatever server.
    assert.ok(revision >= this.position, `listed ${revision} after ${this.position}: back in time`);
    this.objects.clear();
    for (const item of items) this.objects.set(keyOf(item), JSON.stringify(item));
    this.position = revision;
    this.stretches.push({ after: revision, events: [] });
  }

  /** All there is as events, up to the bookmark that ends them; then the watch begins where they end. */
  async #initialEvents(): Promise<"synced" | "expired" | "failed" | "cut"> {
    const query = "watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    const items: KubeObject[] = [];
    return await this.#read(await this.#ask(query), ({ type, object }) => {
      if (type !== "BOOKMARK") {
        assert.equal(type, "ADDED");
        items.push(object);
        return undefined;
      }
      assert.equal(object.metadata.annotations?.["k8s.io/initial-events-end"], "true");
      this.#replace(items, Number(object.metadata.resourceVersion));
      return "synced";
    });
  }

  async #watch(): Promise<"synced" | "expired" | "failed" | "cut"> {
    const response = await this.#ask(`watch=1&allowWatchBookmarks=true&resourceVersion=${this.position}`);
    return await this.#read(response, (event) => void this.#apply(event));
  }

  /** Reads events until one of them, or the end of the stream, is an outcome. */
  async #read(
    response: Response,
    take: (event: Event) => "synced" | undefined | void,
  ): Promise<"synced" | "expired" | "failed" | "cut"> {
    if (response.status !== 200) {
      await response.body?.cancel();
      return response.status === 410 ? "expired" : "failed";
    }
    const reader = this.#reader = response.body!.getReader();
    const decoder = new TextDecoder();
    let text = "";
    try {
      for (let read = await reader.read(); !read.done && !this.#stopped; read = await reader.read()) {
        text += decoder.decode(read.value, { stream: true });
        const lines = text.split("\n");
        text = lines.pop()!;
        for (const line of lines) {
          const event = JSON.parse(line) as Event;
          if (event.type === "ERROR") return event.object.code === 410 ? "expired" : "failed";
          const outcome = take(event);
          if (outcome !== undefined) return outcome;
        }
      }
      return "cut";
    } finally {
      this.#reader = undefined;
      await reader.cancel().catch(() => {});
    }
  }

  #apply({ type, object }: Event): void {
    const revision = Number(object.metadata.resourceVersion);
    if (type === "BOOKMARK") {
      assert.ok(revision >= this.position, `a bookmark at ${revision} after ${this.position}`);
      this.position = revision;
      return;
    }
    assert.ok(revision > this.position, `${type} at ${revision} after ${this.position}`);
    const key = keyOf(object);
    assert.equal(type, !this.objects.has(key) ? "ADDED" : type === "DELETED" ? "DELETED" : "MODIFIED");
    this.position = revision;
    const text = JSON.stringify(object);
    if (type === "DELETED") this.objects.delete(key);
    else this.objects.set(key, text);
    this.stretches.at(-1)!.events.push({ type: type as Told["type"], revision, text });
  }
}

function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace}/${metadata.name}`;
}
