/**
 * What every Engine must do, as tests that run against each: the fake, Podman and Docker. The contract's image has small
 * programs (contractImage()) that the fake has as functions of the same names.
 */
import assert from "assert";
import { busyboxImage, findBusybox } from "../../tests/harness/image.ts";
import { imageArchive } from "../images/archive.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import type { Chunk, ContainerSpec, ContainerState, Engine, EngineEvent } from "./engine.ts";
import { isEngineError } from "./error.ts";

export const contractRef = "localhost/contract:1";

const scripts: Readonly<Record<string, string>> = {
  serve: "trap 'exit 0' TERM\nwhile :; do sleep 1000 & wait $!; done",
  stubborn: "trap '' TERM\nwhile :; do sleep 1000 & wait $!; done",
  say: 'test -z "$1" || echo "$1"\ntest -z "$2" || echo "$2" >&2\nexit ${3:-0}',
  lines: 'i=1\nwhile [ $i -le $1 ]; do echo "line $i"; i=$((i + 1)); done',
  show: 'eval echo "\\$$1"',
  eat: "exec tail /dev/zero",
};

/** A docker-archive with the contract's programs; without busybox (for the fake) with their names only. */
export async function contractImage(): Promise<Uint8Array<ArrayBuffer>> {
  const content = {
    ref: contractRef,
    entrypoint: ["show"],
    cmd: ["FROM_IMAGE"],
    env: ["PATH=/bin", "FROM_IMAGE=yes"],
    stopSignal: "SIGINT",
    exposedPorts: ["80/tcp"],
    labels: { of: "image" },
  };
  const files = Object.entries(scripts).map(([name, script]) => ({
    path: `bin/${name}`,
    mode: 0o755,
    data: `#!/bin/sh\n${script}\n`,
  }));
  if (findBusybox() === undefined) return await imageArchive({ ...content, architecture: "amd64", files });
  return await busyboxImage({ ...content, files });
}

/** Where a contract test runs: `prefix` makes names its own, cleanup removes what it made. */
class Scene {
  readonly #ids: string[] = [];
  constructor(readonly engine: Engine, readonly prefix: string) {}

  get labels(): Record<string, string> {
    return { "dev.sauropod.test": this.prefix };
  }

  spec(name: string, fields: Partial<ContainerSpec> = {}): ContainerSpec {
    return {
      name: `${this.prefix}-${name}`,
      image: contractRef,
      networkMode: "none",
      labels: this.labels,
      command: ["serve"],
      ...fields,
    };
  }

  async create(name: string, fields: Partial<ContainerSpec> = {}): Promise<string> {
    const id = await this.engine.create(this.spec(name, fields));
    this.#ids.push(id);
    return id;
  }

  async run(name: string, fields: Partial<ContainerSpec> = {}): Promise<string> {
    const id = await this.create(name, fields);
    await this.engine.start(id);
    return id;
  }

  /** The container once it is in one of these states. */
  async until(id: string, ...wanted: ContainerState["status"][]): Promise<ContainerState> {
    for (let tries = 0; tries < 500; tries++) {
      const state = await this.engine.inspect(id);
      if (state !== undefined && wanted.includes(state.status)) return state;
      await sleep(systemClock, 20);
    }
    throw new Error(`${id} did not get ${wanted.join(" or ")} within 10 s`);
  }

  async cleanup(): Promise<void> {
    for (const id of this.#ids.reverse()) await this.engine.remove(id, { force: true });
  }
}

const text = (chunks: readonly Chunk[], stream?: Chunk["stream"]) =>
  chunks.filter((c) => stream === undefined || c.stream === stream).map((c) => new TextDecoder().decode(c.data)).join(
    "",
  );
const collect = (from: AsyncIterable<Chunk>) => Array.fromAsync(from);
const bytes = (value: string) => new TextEncoder().encode(value);

type ContractTest = (scene: Scene) => Promise<void>;

const tests: Readonly<Record<string, ContractTest>> = {
  "create(), start(), kill() and remove() lead a container through its life": async (scene) => {
    const { engine } = scene;
    const id = await scene.create("life", { labels: { ...scene.labels, app: "web" } });
    const created = await engine.inspect(id);
    assert.deepEqual([created?.status, created?.pid, created?.startedMs], ["created", 0, undefined]);
    assert.deepEqual(created?.labels, { ...scene.labels, ...created?.labels, app: "web" });
    await engine.start(id);
    await engine.start(id);
    const running = await scene.until(id, "running");
    assert.ok(running.pid > 1 && running.startedMs !== undefined && running.startedMs >= running.createdMs);
    assert.equal((await engine.inspect(`${scene.prefix}-life`))?.id, id);
    await engine.kill(id, "SIGTERM");
    const exited = await scene.until(id, "exited");
    assert.deepEqual([exited.exitCode, exited.oomKilled, exited.lost, exited.pid], [0, false, false, 0]);
    assert.ok(exited.finishedMs! >= exited.startedMs!);
    await engine.kill(id, "SIGTERM");
    await engine.remove(id, { force: false });
    await engine.remove(id, { force: false });
    assert.equal(await engine.inspect(id), undefined);
  },

  "start() again after an end gives a new run": async (scene) => {
    const id = await scene.run("again", { command: ["say", "once", "", "4"] });
    const first = await scene.until(id, "exited");
    assert.equal(first.exitCode, 4);
    await scene.engine.start(id);
    const second = await scene.until(id, "exited");
    assert.ok(second.startedMs! >= first.finishedMs!);
    assert.equal(text(await collect(scene.engine.logs(id))), "once\nonce\n");
  },

  "kill() with SIGKILL ends what hears no other signal with 137": async (scene) => {
    const id = await scene.run("stubborn", { command: ["stubborn"] });
    await scene.engine.kill(id, "SIGTERM");
    assert.equal((await scene.engine.inspect(id))?.status, "running");
    await scene.engine.kill(id, "SIGKILL");
    assert.equal((await scene.until(id, "exited")).exitCode, 137);
  },

  "create() takes command, args and env over the image's as Kubernetes says": async (scene) => {
    const output = async (name: string, fields: Partial<ContainerSpec>) => {
      const id = await scene.run(name, fields);
      await scene.until(id, "exited");
      return text(await collect(scene.engine.logs(id)));
    };
    assert.equal(await output("neither", { command: [] }), "yes\n");
    assert.equal(await output("args", { command: undefined, args: ["OTHER"], env: ["OTHER=own"] }), "own\n");
    assert.equal(await output("env", { command: undefined, env: ["FROM_IMAGE=spec"] }), "spec\n");
    assert.equal(await output("command", { command: ["lines"], args: ["2"] }), "line 1\nline 2\n");
    assert.equal(await output("alone", { command: ["say", "a"] }), "a\n");
  },

  "create() says what is wrong": async (scene) => {
    const { engine } = scene;
    await scene.create("taken");
    await assert.rejects(engine.create(scene.spec("taken")), (e) => isEngineError(e, "exists"));
    const missing = scene.spec("missing", { image: "localhost/no-such-image:1" });
    await assert.rejects(engine.create(missing), (e) => isEngineError(e, "no_image"));
  },

  "start() says that there is no such command": async (scene) => {
    const id = await scene.create("nothing", { command: ["/no/such/program"] });
    await assert.rejects(
      scene.engine.start(id),
      (e) => isEngineError(e, "start_failed") && e.message.includes("/no/such/program"),
    );
    assert.notEqual((await scene.engine.inspect(id))?.status, "running");
  },

  "start() refuses to join the network of a container that does not run": async (scene) => {
    const infra = await scene.create("infra");
    const app = await scene.create("app", { networkMode: `container:${infra}` });
    await assert.rejects(scene.engine.start(app), (e) => isEngineError(e, "start_failed"));
    await scene.engine.start(infra);
    await scene.engine.start(app);
    assert.equal((await scene.until(app, "running")).status, "running");
  },

  "remove() leaves a running container alone unless it is forced": async (scene) => {
    const id = await scene.run("busy");
    await assert.rejects(scene.engine.remove(id, { force: false }), (e) => isEngineError(e, "conflict"));
    await scene.engine.remove(id, { force: true });
    assert.equal(await scene.engine.inspect(id), undefined);
  },

  "list() has the containers of these labels, stopped ones too": async (scene) => {
    const { engine } = scene;
    const a = await scene.run("a", { labels: { ...scene.labels, tier: "front" } });
    const b = await scene.create("b", { labels: { ...scene.labels, tier: "back" } });
    const all = await engine.list(scene.labels);
    assert.deepEqual(all.map((c) => c.id).sort(), [a, b].sort());
    const [front] = await engine.list({ ...scene.labels, tier: "front" });
    assert.deepEqual([front?.id, front?.status, front?.name], [a, "running", `${scene.prefix}-a`]);
    assert.equal(front?.labels.tier, "front");
    assert.deepEqual(await engine.list({ ...scene.labels, tier: "none" }), []);
  },

  "logs() keeps the streams apart and honours tail, timestamps and streams": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("logs", { command: ["say", "to out", "to err"] });
    const state = await scene.until(id, "exited");
    const both = await collect(engine.logs(id));
    assert.equal(text(both, "stdout"), "to out\n");
    assert.equal(text(both, "stderr"), "to err\n");
    assert.equal(text(await collect(engine.logs(id, { stderr: false }))), "to out\n");
    const stamped = text(await collect(engine.logs(id, { timestamps: true, stderr: false })));
    const [, time, rest] = stamped.match(/^(\S+) (.*\n)$/)!;
    assert.equal(rest, "to out\n");
    assert.ok(Math.abs(Date.parse(time!) - state.startedMs!) < 5_000, time);
    const many = await scene.run("many", { command: ["lines", "300"] });
    await scene.until(many, "exited");
    assert.equal(text(await collect(engine.logs(many, { tail: 2 }))), "line 299\nline 300\n");
    assert.equal(text(await collect(engine.logs(many, { tail: 0 }))), "");
    assert.equal(text(await collect(engine.logs(many))).split("\n").length, 301);
    assert.equal(text(await collect(engine.logs(many, { sinceMs: state.startedMs! + 3_600_000 }))), "");
  },

  "logs() with follow goes on until the container ends": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("follow", { command: ["cat"], openStdin: true, stdinOnce: true });
    const seen: string[] = [];
    let heard!: () => void;
    const first = new Promise<void>((resolve) => heard = resolve);
    const reading = (async () => {
      for await (const chunk of engine.logs(id, { follow: true })) {
        seen.push(text([chunk]));
        heard();
      }
    })();
    const session = await engine.attach(id, { stdin: true });
    await session.write(bytes("one\n"));
    await first;
    assert.equal(seen.join(""), "one\n");
    await session.write(bytes("two\n"));
    session.closeStdin();
    await collect(session.output);
    await reading;
    assert.equal(seen.join(""), "one\ntwo\n");
  },

  "logs() with follow ends when its reader's signal says so": async (scene) => {
    const id = await scene.run("left", { command: ["serve"] });
    const abort = new AbortController();
    const reading = collect(scene.engine.logs(id, { follow: true, signal: abort.signal }));
    abort.abort();
    assert.deepEqual(await reading, []);
    await assert.rejects(collect(scene.engine.logs(`${scene.prefix}-gone`)), (e) => isEngineError(e, "not_found"));
  },

  "exec() passes input, both outputs and the exit code": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("exec");
    const said = await engine.exec(id, { command: ["say", "out", "err", "7"] });
    const chunks = await collect(said.output);
    assert.deepEqual([text(chunks, "stdout"), text(chunks, "stderr"), await said.exitCode], ["out\n", "err\n", 7]);
    const cat = await engine.exec(id, { command: ["cat"], stdin: true });
    await cat.write(bytes("through"));
    cat.closeStdin();
    assert.deepEqual([text(await collect(cat.output)), await cat.exitCode], ["through", 0]);
    const show = await engine.exec(id, { command: ["show", "X"], env: ["X=1"] });
    assert.deepEqual([text(await collect(show.output)), await show.exitCode], ["1\n", 0]);
  },

  "exec() moves a megabyte both ways unchanged": async (scene) => {
    const id = await scene.run("bulk");
    const data = Uint8Array.from({ length: 2 ** 20 }, (_, i) => (i * 31 + (i >> 8)) & 255);
    const cat = await scene.engine.exec(id, { command: ["cat"], stdin: true });
    const reading = collect(cat.output);
    for (let at = 0; at < data.length; at += 50_000) await cat.write(data.subarray(at, at + 50_000));
    cat.closeStdin();
    const back = new Uint8Array(await new Blob((await reading).map((c) => c.data.slice())).arrayBuffer());
    assert.deepEqual([back.length, await cat.exitCode], [data.length, 0]);
    assert.ok(back.every((byte, i) => byte === data[i]));
  },

  "exec() of a missing command ends with 126 or 127, in a stopped container it is refused": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("missing");
    const session = await engine.exec(id, { command: ["no-such-command"] });
    assert.match(text(await collect(session.output)), /no-such-command/);
    assert.ok([126, 127].includes(await session.exitCode));
    await engine.kill(id, "SIGKILL");
    await scene.until(id, "exited");
    await assert.rejects(engine.exec(id, { command: ["say"] }), (e) => isEngineError(e, "not_running"));
    await assert.rejects(engine.attach(id, {}), (e) => isEngineError(e, "not_running"));
    await assert.rejects(
      engine.exec(`${scene.prefix}-none`, { command: ["say"] }),
      (e) => isEngineError(e, "not_found"),
    );
  },

  "exec() with a terminal takes a size, and kill() ends what runs too long": async (scene) => {
    const id = await scene.run("tty");
    const session = await scene.engine.exec(id, { command: ["stubborn"], tty: true, stdin: true });
    const reading = collect(session.output);
    await session.resize({ width: 100, height: 30 });
    await session.kill();
    await reading;
    assert.equal(await session.exitCode, 137);
    await session.resize({ width: 80, height: 24 });
  },

  "close() of an exec session leaves it, and its exit code stays unknown": async (scene) => {
    const id = await scene.run("closed");
    const session = await scene.engine.exec(id, { command: ["serve"] });
    session.close();
    assert.deepEqual(await collect(session.output), []);
    assert.equal((await scene.engine.inspect(id))?.status, "running");
  },

  "attach() joins a running container's streams, and leaves it running": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("attach", { command: ["cat"], openStdin: true });
    const session = await engine.attach(id, { stdin: true });
    await session.write(bytes("hello\n"));
    for await (const chunk of session.output) {
      assert.equal(text([chunk]), "hello\n");
      break;
    }
    session.close();
    assert.equal((await engine.inspect(id))?.status, "running");
  },

  "events() tells of starts and ends with their exit codes": async (scene) => {
    const { engine } = scene;
    const abort = new AbortController();
    const events: EngineEvent[] = [];
    let opened!: () => void;
    const open = new Promise<void>((resolve) => opened = resolve);
    const reading = (async () => {
      for await (const event of engine.events({ labels: scene.labels, signal: abort.signal, onOpen: opened })) {
        events.push(event);
        if (event.action === "remove") return;
      }
    })();
    await open;
    const id = await scene.run("events", { command: ["say", "x", "", "9"] });
    await scene.until(id, "exited");
    await engine.remove(id, { force: true });
    await reading;
    abort.abort();
    const own = events.filter((event) => event.id === id);
    assert.deepEqual(own.map((event) => event.action), ["create", "start", "die", "remove"]);
    assert.equal(own[2]!.exitCode, 9);
    assert.equal(own[2]!.labels["dev.sauropod.test"], scene.prefix);
    assert.ok(own.every((event) => Math.abs(event.timeMs - systemClock.now()) < 60_000));
  },

  "stats() measures a running container": async (scene) => {
    const id = await scene.run("stats", { resources: { memoryBytes: 64 * 2 ** 20, pids: 100 } });
    const stats = await scene.engine.stats(id);
    assert.ok(stats.memoryUsageBytes >= stats.memoryWorkingSetBytes && stats.memoryWorkingSetBytes > 0);
    assert.ok(stats.cpuNanos >= 0 && stats.pids >= 1);
    await assert.rejects(scene.engine.stats(`${scene.prefix}-none`), (e) => isEngineError(e, "not_found"));
  },

  "update() changes what a running container may use, one thing and not another": async (scene) => {
    const { engine } = scene;
    const MiB = 2 ** 20;
    const resources = { memoryBytes: 32 * MiB, nanoCpus: 200_000_000, cpuShares: 102 };
    const id = await scene.run("update", { resources });
    const before = await scene.until(id, "running");
    const first = (await engine.stats(id)).limits!;
    assert.deepEqual([first.memoryBytes, first.nanoCpus], [32 * MiB, 200_000_000]);
    await engine.update(id, { memoryBytes: 64 * MiB });
    const more = (await engine.stats(id)).limits!;
    assert.deepEqual(more, { ...first, memoryBytes: 64 * MiB });
    await engine.update(id, { cpuShares: 512, nanoCpus: 1_500_000_000 });
    const faster = (await engine.stats(id)).limits!;
    assert.deepEqual([faster.memoryBytes, faster.nanoCpus], [64 * MiB, 1_500_000_000]);
    assert.ok(faster.cpuShares! > first.cpuShares! * 2, `${faster.cpuShares}`);
    await engine.update(id, { memoryBytes: 24 * MiB });
    assert.equal((await engine.stats(id)).limits!.memoryBytes, 24 * MiB);
    const after = await scene.until(id, "running");
    assert.deepEqual([after.pid, after.startedMs], [before.pid, before.startedMs], "it runs on");
  },

  "update() gives limits to a container that had none, and refuses what does not run": async (scene) => {
    const { engine } = scene;
    const id = await scene.run("free");
    const { memoryBytes, nanoCpus } = (await engine.stats(id)).limits!;
    assert.deepEqual([memoryBytes, nanoCpus], [undefined, undefined]);
    await engine.update(id, { memoryBytes: 48 * 2 ** 20, nanoCpus: 500_000_000 });
    const limited = (await engine.stats(id)).limits!;
    assert.deepEqual([limited.memoryBytes, limited.nanoCpus], [48 * 2 ** 20, 500_000_000]);
    await engine.kill(id, "SIGKILL");
    await scene.until(id, "exited");
    await assert.rejects(engine.update(id, { cpuShares: 100 }), (e) => isEngineError(e, "not_running"));
    const none = engine.update(`${scene.prefix}-none`, { cpuShares: 100 });
    await assert.rejects(none, (e) => isEngineError(e, "not_found"));
  },

  "inspect() says that the kernel ended a container for its memory": async (scene) => {
    const id = await scene.run("oom", { command: ["eat"], resources: { memoryBytes: 16 * 2 ** 20 } });
    const state = await scene.until(id, "exited");
    assert.deepEqual([state.exitCode, state.oomKilled], [137, true]);
    const killed = await scene.run("killed", { command: ["stubborn"], resources: { memoryBytes: 16 * 2 ** 20 } });
    await scene.engine.kill(killed, "SIGKILL");
    assert.equal((await scene.until(killed, "exited")).oomKilled, false);
  },

  "imageInspect() shows what an image says, under its complete name": async (scene) => {
    const { engine } = scene;
    const image = await engine.imageInspect(contractRef);
    assert.deepEqual(image?.tags, [contractRef]);
    assert.match(image!.id, /^sha256:[0-9a-f]{64}$/);
    assert.deepEqual(image?.config.entrypoint, ["show"]);
    assert.deepEqual(image?.config.cmd, ["FROM_IMAGE"]);
    assert.deepEqual([image?.config.user, image?.config.stopSignal], ["", "SIGINT"]);
    assert.deepEqual(image?.config.exposedPorts, ["80/tcp"]);
    assert.deepEqual(image?.config.labels, { of: "image" });
    assert.equal((await engine.imageInspect(image!.id))?.id, image!.id);
    assert.ok((await engine.imageList()).some((i) => i.id === image!.id && i.sizeBytes > 0));
    assert.equal(await engine.imageInspect("localhost/no-such-image:1"), undefined);
    const id = await scene.create("of-image");
    assert.equal((await engine.inspect(id))?.imageId, image!.id);
  },

  "imageSave() gives what imageLoad() takes, imageRemove() removes what is not in use": async (scene) => {
    const { engine } = scene;
    const ref = `localhost/${scene.prefix}:2`;
    await engine.imageLoad(await imageArchive({ ref, architecture: "amd64", files: [], cmd: ["serve"] }), ref);
    const saved = await Array.fromAsync(engine.imageSave(ref));
    await engine.imageRemove(ref);
    await engine.imageRemove(ref);
    assert.equal(await engine.imageInspect(ref), undefined);
    await engine.imageLoad(ReadableStream.from(saved), ref);
    assert.deepEqual((await engine.imageInspect(ref))?.config.cmd, ["serve"]);
    await engine.imageRemove(ref);
    await scene.create("uses");
    await assert.rejects(engine.imageRemove(contractRef), (e) => isEngineError(e, "conflict"));
  },
};

/** Registers the contract's tests. `make` is called once; `stop` after the last. */
export function engineContract(
  name: string,
  options: { make: () => Promise<{ engine: Engine; stop: () => Promise<void> }>; missing?: string },
): void {
  const title = options.missing === undefined ? `${name} engine` : `${name} engine (skipped: ${options.missing})`;
  Deno.test({
    name: `${title} keeps the contract of Engine`,
    ignore: options.missing !== undefined,
    async fn(t) {
      const { engine, stop } = await options.make();
      try {
        await engine.imageLoad(await contractImage(), contractRef);
        let number = 0;
        for (const [what, test] of Object.entries(tests)) {
          const scene = new Scene(engine, `contract-${++number}`);
          await t.step(what, async () => {
            try {
              await test(scene);
            } finally {
              await scene.cleanup();
            }
          });
        }
      } finally {
        await stop();
      }
    },
  });
}
