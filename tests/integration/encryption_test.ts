/** Keys of encryption at rest come, are replaced and get lost, while the API server runs on a real Redis. */
import assert from "assert";
import { lostBy, staleBy } from "../../apiserver/encryption.ts";
import { openEncryption } from "../../apiserver/storage/encryption/file.ts";
import { noRedis, TestRedis } from "../../apiserver/storage/test_redis.ts";
import { encryptionFileCheckMs } from "../../lib/limits.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { isReason } from "../../lib/status.ts";
import type { Secret } from "../../lib/types/core_v1.ts";
import { ConfigMap, Secret as SecretKind } from "../../lib/types/kinds.ts";
import { serverOn, storages } from "../harness/server_on_store.ts";

const secretOf = (fill: number) => btoa(String.fromCharCode(fill).repeat(32));
/** Secrets with these keys; `identity` is a provider of its own. */
const configuration = (...keys: string[]) => {
  const providers = keys.map((name) =>
    name === "identity"
      ? "{identity: {}}"
      : `{aesgcm: {keys: [{name: ${name}, secret: ${secretOf(name.charCodeAt(0))}}]}}`
  );
  return `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources: [{resources: [secrets], providers: [${providers.join(", ")}]}]
`;
};

interface Situation {
  redis: TestRedis;
  path: string;
  /** An API server by the file as it is now. */
  start(): Promise<Running>;
}
type Running = Awaited<ReturnType<typeof running>>;

async function running(redis: TestRedis, path: string) {
  const clock = new FakeClock();
  const encryption = await openEncryption({ path, own: false }, systemRandom);
  const server = await serverOn(await redis.store({ codec: encryption.codec }));
  const ending = new AbortController();
  const taken: string[] = [];
  const following = encryption.follow({
    clock,
    signal: ending.signal,
    lost(rules) {
      const lost = lostBy(rules, server.cache, storages);
      taken.push(lost ?? "taken");
      return lost;
    },
    changed: () => server.cache.retry(),
  });
  /** Lets it look at the file. */
  const look = async () => {
    await clock.advance(encryptionFileCheckMs);
    await new Promise((resolve) => setTimeout(resolve, 1));
  };
  return {
    ...server,
    look,
    reloads: encryption.reloads,
    /** Writes the file and waits until it was looked at; answers what became of it. */
    async configure(text: string): Promise<string> {
      await Deno.writeTextFile(path, text);
      const before = taken.length;
      while (taken.length === before) await look();
      return taken.at(-1)!;
    },
    async close() {
      ending.abort();
      await following;
      await server.close();
    },
  };
}

function test(name: string, run: (situation: Situation) => Promise<void>): void {
  Deno.test({
    name,
    ignore: noRedis !== undefined,
    async fn() {
      await using redis = await TestRedis.start();
      const path = `${redis.dir}/encryption.yaml`;
      const servers: Running[] = [];
      const start = async () => {
        const server = await running(redis, path);
        servers.push(server);
        return server;
      };
      try {
        await run({ redis, path, start });
      } finally {
        for (const server of servers) await server.close();
      }
    },
  });
}

const secret = (name: string) => ({ metadata: { name, namespace: "default" }, data: { password: btoa("hunter2") } });
/** How a Secret is stored: `aesgcm:a`, or `plain`. */
async function storedAs(redis: TestRedis, name: string): Promise<string> {
  const stored = await redis.client().hget("sauropod:obj:secrets", `default/${name}`);
  return /k8s:enc:(\w+):v1:(\w+):/.exec(stored!)?.slice(1).join(":") ?? "plain";
}
const ref = (name: string) => ({ name, namespace: "default" });

test("a key is replaced without a restart: add it, write all Secrets again as they are, remove the old one", async ({ redis, path, start }) => {
  await Deno.writeTextFile(path, configuration("identity"));
  const { client, configure, cache } = await start();
  const stale = async () => (await cache.fresh(), staleBy(cache, storages));
  const created = await client.create(SecretKind, secret("s"));
  assert.equal(await storedAs(redis, "s"), "plain");

  assert.equal(await configure(configuration("a", "identity")), "taken");
  assert.deepEqual(await stale(), [["secrets", 1]]);
  const same = await client.update(SecretKind, created);
  assert.deepEqual(await stale(), []);
  assert.notEqual(
    same.metadata.resourceVersion,
    created.metadata.resourceVersion,
    "a write with a stale key is no no-op",
  );
  assert.equal(await storedAs(redis, "s"), "aesgcm:a");
  const again = await client.update(SecretKind, same);
  assert.equal(again.metadata.resourceVersion, same.metadata.resourceVersion, "with a current key it is one");

  assert.equal(await configure(configuration("b", "a")), "taken");
  assert.match(await configure(configuration("b")), /nobody could read 1 of secrets \(default\/s\): keep the key/);
  assert.deepEqual((await client.get(SecretKind, ref("s"))).data, created.data);
  await client.update(SecretKind, again);
  assert.equal(await storedAs(redis, "s"), "aesgcm:b");
  assert.equal(await configure(configuration("b")), "taken", "nothing needs the old key any longer");
  await client.create(SecretKind, secret("t"));
  assert.deepEqual((await client.list(SecretKind)).items.map(({ data }) => data), [created.data, created.data]);
});

test("a Secret whose key is lost is an error that names both; everything else is served; the key's return heals it", async ({ path, start }) => {
  await Deno.writeTextFile(path, configuration("a"));
  const first = await start();
  await first.client.create(SecretKind, secret("lost"));
  await Deno.writeTextFile(path, configuration("b"));
  const { client, configure, handle } = await start();
  const refused = (error: unknown) => {
    assert.ok(isReason(error, "InternalError"), String(error));
    assert.match(error.message, /"\/registry\/secrets\/default\/lost".*it is stored with aesgcm key "a"/);
    return true;
  };
  await assert.rejects(client.get(SecretKind, ref("lost")), refused);
  await assert.rejects(client.list(SecretKind), refused);
  await assert.rejects(
    client.update(SecretKind, { apiVersion: "v1", kind: "Secret", ...secret("lost") } as unknown as Secret),
    refused,
  );
  await assert.rejects(client.delete(SecretKind, ref("lost")), refused);
  const watch = await handle(new Request("http://a/api/v1/namespaces/default/secrets?watch=1&resourceVersion=0"));
  assert.match(await watch.text(), /^\{"type":"ERROR","object":\{"kind":"Status".*aesgcm key \\"a\\"/);

  await client.create(SecretKind, secret("other"));
  assert.equal((await client.get(SecretKind, ref("other"))).metadata.name, "other");
  await client.create(ConfigMap, { metadata: { name: "c", namespace: "default" } });
  assert.equal((await client.list(ConfigMap)).items.length, 1);

  assert.equal(await configure(configuration("b", "a")), "taken");
  for (;;) {
    const list = await client.list(SecretKind).catch((error) => void refused(error));
    if (list === undefined) continue;
    assert.deepEqual(list.items.map(({ metadata }) => metadata.name), ["lost", "other"]);
    return;
  }
});

test("a live watch is told when what comes can't be read, and the file's mistakes leave the keys as they are", async ({ path, start }) => {
  await Deno.writeTextFile(path, configuration("a"));
  const [old, now] = [await start(), await start()];
  await now.configure(configuration("b", "a"));
  const watch = await old.handle(new Request("http://a/api/v1/secrets?watch=1"));
  await now.client.create(SecretKind, secret("new"));
  assert.match(await watch.text(), /^\{"type":"ERROR".*aesgcm key \\"b\\"/);

  await Deno.writeTextFile(path, "nonsense");
  for (let looks = 0; looks < 20; looks++) await now.look();
  await now.client.create(SecretKind, secret("newer"));
  assert.equal((await now.client.list(SecretKind)).items.length, 2);
  assert.deepEqual([now.reloads.success.count, now.reloads.failure.count], [1, 1], "each change is counted once");
});

Deno.test("openEncryption() makes a file of its own at first, for Secrets, which nobody else may read, and keeps it", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const path = `${dir}/pki/encryption.yaml`;
    await openEncryption({ path, own: true }, systemRandom);
    const text = await Deno.readTextFile(path);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const { codec } = await openEncryption({ path, own: true }, systemRandom);
    assert.equal(await Deno.readTextFile(path), text);
    assert.match(codec.seal("secrets", "a", { head: "{", tail: "}" }).head, /^k8s:enc:aesgcm:v1:key-[0-9a-f]{8}:/);
    assert.equal(codec.seal("pods", "a", { head: "{", tail: "}" }).head, "{");
    const missing = openEncryption({ path: `${dir}/none`, own: false }, systemRandom);
    await assert.rejects(missing, /--encryption-provider-config: there is no file .*none/);
    await Deno.writeTextFile(path, "apiVersion: v1");
    await assert.rejects(
      openEncryption({ path, own: true }, systemRandom),
      /encryption configuration .*pki\/encryption.yaml: it is no/,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
