/**
 * Two API servers, each a process of its own with a data directory of its own, on one Redis: both serve the same, one leads; when that is
 * killed, clients of the other notice nothing. On loopback addresses: no lab, no root.
 */
import assert from "assert";
import { sharedFiles } from "../../apiserver/same_cluster.ts";
import { noRedis, TestRedis } from "../../apiserver/storage/test_redis.ts";
import { type Client, createClient } from "../../lib/client/client.ts";
import { parseKubeconfig } from "../../lib/client/kubeconfig.ts";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { createFetcher } from "../../lib/seams/https.ts";
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { until } from "../harness/lab/host.ts";

const root = new URL("../../", import.meta.url).pathname;
const startMs = 60_000;
/** A lease of 15 s, the time between two attempts, and a slow machine. */
const takeOverMs = 30_000;

interface Server {
  readonly dataDir: string;
  readonly endpoint: string;
  readonly lines: string[];
  readonly client: Client;
  raw(path: string, token?: string): Promise<Response>;
  ready(): Promise<void>;
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
}

/** A port that is free on both addresses, as far as one can know. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.2", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

class Scene implements AsyncDisposable {
  readonly port = freePort();
  readonly #children: Child[] = [];
  readonly #closers: (() => void)[] = [];

  private constructor(readonly redis: TestRedis) {}

  static async make(): Promise<Scene> {
    return new Scene(await TestRedis.start());
  }

  /** Starts number `n` on 127.0.0.<n>; to others it says 192.0.2.<n>, because no endpoint may be on loopback. */
  async start(n: number): Promise<Server> {
    const dataDir = `${this.redis.dir}/server${n}`;
    const [address, endpoint] = [`127.0.0.${n}`, `192.0.2.${n}`];
    const lines: string[] = [];
    const flags = { "data-dir": dataDir, "bind-address": address, "advertise-address": endpoint, port: this.port };
    const child = systemProcesses.spawn([
      ...[Deno.execPath(), "run", "--no-prompt", "--quiet", "--frozen", "--no-check", "--allow-all"],
      ...[`${root}apiserver/main.ts`, `--redis=unix://${this.redis.server.url}`],
      ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`),
    ], { onLine: (line) => lines.push(line) });
    this.#children.push(child);
    let ended = false;
    void child.ended.then(() => ended = true);
    // Made when the files are there.
    let made: { fetcher: ReturnType<typeof createFetcher>; token: string } | undefined;
    const send = (request: Request, token?: string) => {
      const { pathname, search } = new URL(request.url);
      const headers = new Headers(request.headers);
      headers.set("authorization", `Bearer ${token ?? made!.token}`);
      const { method, body, signal } = request;
      const url = `https://${address}:${this.port}${pathname}${search}`;
      return made!.fetcher(new Request(url, { method, headers, body, signal }));
    };
    return {
      dataDir,
      endpoint,
      lines,
      client: createClient((request) => send(request)),
      raw: (path, token) => send(new Request(`https://server${path}`), token),
      ready: async () => {
        await until(startMs, async () => {
          assert.ok(!ended, `server ${n} has ended:\n${lines.join("\n")}`);
          const text = await Deno.readTextFile(`${dataDir}/kubeconfig`).catch(() => undefined);
          if (text === undefined) return false;
          const { ca, token } = parseKubeconfig(text);
          if (made === undefined) {
            made = { fetcher: createFetcher({ ca, serverName: "localhost" }), token: token! };
            this.#closers.push(() => made!.fetcher.close());
          }
          return await send(new Request("https://server/readyz")).then((answer) => answer.ok, () => false);
        }, () => `server ${n} is not ready:\n${lines.join("\n")}`);
      },
      end: async (signal) => {
        child.kill(signal);
        await child.ended;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#closers) close();
    for (const child of this.#children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended before.
      }
      await child.ended;
    }
    await this.redis[Symbol.asyncDispose]();
  }
}

async function copyShared(from: string, to: string): Promise<void> {
  for (const file of sharedFiles) {
    await Deno.mkdir(`${to}/${file}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(`${from}/${file}`, `${to}/${file}`);
  }
}

const configMap = (name: string) => ({ metadata: { name, namespace: "default" }, data: { of: name } });
const inSystem = (name: string) => ({ namespace: "kube-system", name });

async function leaderOf({ client }: Server, loop: string): Promise<string> {
  return (await client.get(kinds.Lease, inSystem(loop))).spec.holderIdentity ?? "";
}

async function endpointsOf({ client }: Server): Promise<string[]> {
  const { subsets = [] } = await client.get(kinds.Endpoints, { namespace: "default", name: "kubernetes" });
  return subsets.flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip));
}

/** Names of ConfigMaps in the order in which a server's watch tells of them, without listing again. */
function follow({ client }: Server, resourceVersion: string) {
  const names: string[] = [];
  const ending = new AbortController();
  const ended = (async () => {
    for await (
      const { type, object } of client.watch(kinds.ConfigMap, { resourceVersion, namespace: "default" }, ending.signal)
    ) {
      if (type === "ADDED") names.push(object.metadata.name);
    }
  })();
  return { names, stop: () => ending.abort(), ended };
}

async function bothServe(one: Server, other: Server): Promise<void> {
  const { metadata } = await one.client.list(kinds.ConfigMap, { namespace: "default" });
  const [here, there] = [follow(one, metadata.resourceVersion!), follow(other, metadata.resourceVersion!)];
  const written: string[] = [];
  for (let i = 0; i < 40; i++) {
    const [writer, reader] = i % 2 === 0 ? [one, other] : [other, one];
    const made = await writer.client.create(kinds.ConfigMap, configMap(`c${i}`));
    written.push(made.metadata.name);
    // Without a resourceVersion a read is of now, whoever wrote.
    assert.deepEqual(await reader.client.get(kinds.ConfigMap, made.metadata), made);
  }
  const told = () => here.names.length === written.length && there.names.length === written.length;
  await until(10_000, told, () => `told ${here.names.length} and ${there.names.length} of ${written.length}`);
  for (const { names, stop, ended } of [here, there]) {
    stop();
    await ended.catch(() => {});
    assert.deepEqual(names, written);
  }
  const secret = { metadata: { name: "s", namespace: "default" }, data: { password: btoa("hunter2") } };
  await one.client.create(kinds.Secret, secret);
  assert.deepEqual((await other.client.get(kinds.Secret, secret.metadata)).data, secret.data);
  const account = { namespace: "default", name: "default" };
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  await until(10_000, () => one.client.get(kinds.ServiceAccount, account).then(() => true, () => false), "no account");
  const { status } = await one.client.post(kinds.ServiceAccount, account, "token", request) as {
    status: { token: string };
  };
  assert.equal((await other.raw("/api/v1/namespaces/default/pods", status.token)).status, 403, "known, but may not");
}

/** Reads, writes and a watch of its clients, until told to stop. */
async function clientsOf(server: Server, stopped: () => boolean) {
  const { metadata } = await server.client.list(kinds.ConfigMap, { namespace: "default" });
  const watch = follow(server, metadata.resourceVersion!);
  const written: string[] = [];
  let slowestMs = 0;
  while (!stopped()) {
    const begun = systemClock.now();
    const { metadata } = await server.client.create(kinds.ConfigMap, configMap(`during-${written.length}`));
    await server.client.get(kinds.ConfigMap, metadata);
    slowestMs = Math.max(slowestMs, systemClock.now() - begun);
    written.push(metadata.name);
    await sleep(systemClock, 20);
  }
  await until(10_000, () => watch.names.length === written.length, "the watch has not told of everything");
  assert.deepEqual(watch.names, written);
  watch.stop();
  await watch.ended.catch(() => {});
  return { writes: written.length, slowestMs };
}

Deno.test({
  name:
    "two API servers on one Redis serve the same; when the one that leads is killed, clients of the other notice nothing",
  ignore: noRedis !== undefined,
  async fn(t) {
    await using scene = await Scene.make();
    const one = await scene.start(2);
    await one.ready();

    let other!: Server;
    await t.step("a host with keys of its own is refused, and says what to copy", async () => {
      const foreign = await scene.start(3);
      await until(
        startMs,
        () => foreign.lines.some((line) => line.includes("has another cluster-id")),
        () => foreign.lines.join("\n"),
      );
      assert.match(foreign.lines.join("\n"), /Copy cluster-id, pki\/ca\.crt, .* from the data directory/);
      await copyShared(one.dataDir, foreign.dataDir);
      // Of the cluster that it wanted to begin.
      await Deno.remove(`${foreign.dataDir}/kubeconfig`);
      other = await scene.start(3);
      await other.ready();
    });
    await t.step(
      "both serve reads, writes and watches, and each other's Secrets and tokens",
      () => bothServe(one, other),
    );
    await t.step("the Service kubernetes has both", async () => {
      const has = async () => (await endpointsOf(other)).join() === [one.endpoint, other.endpoint].join();
      await until(takeOverMs, has, "the endpoints are not both");
    });
    await t.step(
      "the leader is killed: requests and watches of the other go on, it leads, and the dead one's endpoint goes",
      async () => {
        const loops = ["kube-controller-manager", "kube-scheduler"];
        const before = await leaderOf(other, loops[0]!);
        let moved = false;
        const clients = clientsOf(other, () => moved);
        const begun = systemClock.now();
        await one.end("SIGKILL");
        const taken = async () => {
          const now = await Promise.all(loops.map((loop) => leaderOf(other, loop)));
          return now.every((holder) => holder !== "" && holder !== before) &&
            (await endpointsOf(other)).join() === other.endpoint;
        };
        await until(takeOverMs, taken, "nobody has taken over").finally(() => moved = true);
        const seconds = ((systemClock.now() - begun) / 1000).toFixed(1);
        const { writes, slowestMs } = await clients;
        // deno-lint-ignore no-console
        console.log(`    taken over after ${seconds} s; ${writes} writes meanwhile, the slowest took ${slowestMs} ms`);
        // Controllers work: a namespace gets its account.
        await other.client.create(kinds.Namespace, { metadata: { name: "later" }, spec: {} });
        const account = () =>
          other.client.get(kinds.ServiceAccount, { namespace: "later", name: "default" }).then(() => true, () => false);
        await until(takeOverMs, account, "the namespace has no account");
      },
    );
    await t.step("a leader that stops in good order hands over at once", async () => {
      const again = await scene.start(2);
      await again.ready();
      const before = await leaderOf(again, "kube-scheduler");
      const begun = systemClock.now();
      await other.end("SIGTERM");
      const taken = async () => ![before, ""].includes(await leaderOf(again, "kube-scheduler"));
      await until(takeOverMs, taken, "nobody has taken over");
      const took = systemClock.now() - begun;
      assert.ok(took < 14_000, `${took} ms: it was waited for the end of its Lease`);
      assert.deepEqual(
        (await again.client.list(kinds.Lease, { namespace: "kube-system" })).items
          .filter(({ metadata }) => metadata.name.startsWith("apiserver-")).length,
        1,
        "its Lease is gone",
      );
    });
  },
});
