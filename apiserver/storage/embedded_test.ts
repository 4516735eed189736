import assert from "assert";
import { systemProcesses } from "../../lib/seams/process.ts";
import { type EmbeddedOptions, type EmbeddedRedis, startEmbeddedRedis } from "./embedded.ts";
import { openRedisStore } from "./redis.ts";
import { put } from "./store_contract.ts";
import { Line } from "./resp_line.ts";
import { noRedis } from "./test_redis.ts";

function test(name: string, run: (dir: string) => Promise<void>): void {
  Deno.test({
    name,
    ignore: noRedis !== undefined,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "sauropod embedded-" });
      try {
        await run(`${dir}/redis`);
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

/** Runs with a server that is stopped in the end. */
async function withServer(options: EmbeddedOptions, run: (server: EmbeddedRedis) => Promise<void>): Promise<void> {
  const server = await startEmbeddedRedis(options);
  try {
    await run(server);
  } finally {
    await server.stop();
  }
}

async function write(server: EmbeddedRedis, key: string): Promise<number> {
  const store = await openRedisStore({ url: server.url });
  try {
    return await store.write(put(key, 0));
  } finally {
    await store.close();
  }
}

async function setting(server: EmbeddedRedis, name: string): Promise<string> {
  const line = await Line.open(server.url);
  // An array of two: its first line says so, the rest comes behind.
  const answer = await line!.ask("CONFIG", "GET", name) + (await line!.ask("PING"))!;
  line!.close();
  return answer;
}

test("startEmbeddedRedis() keeps what was written over a clean stop", async (dir) => {
  await withServer({ dir }, async (server) => {
    assert.equal(server.adopted, false);
    assert.equal(await write(server, "a"), 1);
  });
  assert.equal(await Line.open(`${dir}/redis.sock`), undefined, "it has ended");
  await withServer({ dir }, async (server) => assert.equal(await write(server, "b"), 2));
});

test("startEmbeddedRedis() makes it durable, private and without a port", async (dir) => {
  await withServer({ dir }, async (server) => {
    assert.equal((await Deno.stat(dir)).mode! & 0o777, 0o700);
    const { stdout } = await systemProcesses.run(["cat", `${dir}/redis.conf`]);
    for (const line of ["port 0", "appendonly yes", "appendfsync always", 'save ""']) {
      assert.ok(stdout.includes(line), line);
    }
    assert.match(await setting(server, "appendfsync"), /^\*2/);
    const { mode } = await Deno.stat(`${dir}/redis.sock`);
    assert.equal(mode! & 0o077, 0);
  });
});

test("startEmbeddedRedis() adopts the server that a killed process has left", async (dir) => {
  const before = await startEmbeddedRedis({ dir });
  const pid = await before.pid();
  assert.equal(await write(before, "a"), 1);
  before.leave();
  await withServer({ dir }, async (server) => {
    assert.equal(server.adopted, true);
    assert.equal(await server.pid(), pid);
    assert.equal(await write(server, "b"), 2);
  });
});

test("startEmbeddedRedis() starts it again when it dies, adopted or not", async (dir) => {
  (await startEmbeddedRedis({ dir })).leave();
  await withServer({ dir }, async (server) => {
    const store = await openRedisStore({ url: server.url });
    for (const [i, key] of ["a", "b"].entries()) {
      const pid = await server.pid();
      Deno.kill(pid, "SIGKILL");
      let revision: number | undefined;
      while (revision === undefined) revision = await store.write(put(key, 0)).catch(() => undefined);
      assert.equal(revision, i + 1);
      assert.notEqual(await server.pid(), pid);
    }
    await store.close();
  });
});

test("stop() ends the server even if its connection was cut, or it is just being started again", async (dir) => {
  const server = await startEmbeddedRedis({ dir });
  const line = await Line.open(server.url);
  await line!.ask("CLIENT", "KILL", "TYPE", "normal");
  line!.close();
  await server.stop();
  assert.equal(await Line.open(server.url), undefined);

  const other = await startEmbeddedRedis({ dir });
  Deno.kill(await other.pid(), "SIGKILL");
  await other.stop();
  assert.equal(await Line.open(other.url), undefined);
});

test("startEmbeddedRedis() says why it does not start", async (dir) => {
  const check = (options: Partial<EmbeddedOptions>, message: RegExp) =>
    assert.rejects(startEmbeddedRedis({ dir, ...options }), message);
  await check({ settings: ["no-such-setting yes"] }, /exit code 1.*no-such-setting|FATAL CONFIG/s);
  await check({ dir: `/tmp/${"x".repeat(120)}` }, /at most 107 bytes.*--data-dir/);
  await check({ dir: "relative" }, /absolute path/);
  const run = () => Promise.reject(new Deno.errors.NotFound("of the test"));
  await check({ processes: { ...systemProcesses, run } }, /neither redis-server nor valkey-server.*install\.sh/);
});

test("startEmbeddedRedis() does not start on a broken file, shows the log, and names the tool", async (dir) => {
  await withServer({ dir }, async (server) => void await write(server, "a"));
  for await (const { name } of Deno.readDir(`${dir}/appendonlydir`)) {
    if (!name.endsWith(".incr.aof")) continue;
    await Deno.writeTextFile(
      `${dir}/appendonlydir/${name}`,
      "*1\r\n$3\r\nxyz\r\ngarbage in the middle\r\n*1\r\n$4\r\nPING\r\n",
    );
  }
  await assert.rejects(startEmbeddedRedis({ dir }), /redis-check-aof.*reading the append only file/s);
});
