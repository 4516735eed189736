import assert from "assert";
import https from "node:https";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { createClient } from "../lib/client/client.ts";
import { FlagError } from "../lib/flags.ts";
import { FakeClock, systemClock } from "../lib/seams/clock.ts";
import { StatusError } from "../lib/status.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import type { Pod } from "../lib/types/core_v1.ts";
import { createAccess } from "./access/access.ts";
import { agentConfig, runDirectory } from "./config.ts";
import type { PodContainers } from "./pods/observed.ts";
import { groupContainers, type Observed } from "./pods/observed.ts";
import { handleHealth, handleKubelet, type KubeletApi, listenKubelet } from "./server.ts";
import { targetOf } from "./streams.ts";

const api = {
  nodeName: "n1",
  clock: new FakeClock(),
  stats: { pods: () => Promise.resolve([]) },
  streams: {
    handle: (request: Request) => Promise.resolve(new Response(new URL(request.url).pathname)),
    handleUpgrade: () => false,
    close: () => Promise.resolve(),
  },
  pods: () => [{ metadata: { name: "p" } } as Pod],
  host: () =>
    Promise.resolve({
      usage: { memoryAvailableBytes: 1, disks: [], processes: 1, processesMax: 2 },
      timeMs: 0,
      cpuNanos: 0,
      memoryBytes: 2,
    }),
  trouble: () => undefined as string | undefined,
  ownMetrics: () => [],
  cadvisor: () => Promise.resolve([]),
  probeMetrics: () => [],
} satisfies Omit<KubeletApi, "access">;

/** An API server that lets `probe` read metrics, whatever its tokens. */
const client = createClient(async (request) => {
  const { spec } = await request.json();
  const status = spec.token === undefined
    ? { allowed: spec.user === "probe" && spec.resourceAttributes.subresource === "metrics" }
    : { authenticated: spec.token === "good", user: { username: "probe" } };
  return Response.json({ status }, { status: 201 });
});

const ask = (path: string, init?: RequestInit) => handleKubelet(new Request(`https://n1:10250${path}`, init), api);

for (
  const [path, status] of [
    ["/pods", 200],
    ["/stats/summary", 200],
    ["/metrics", 200],
    ["/metrics/resource", 200],
    ["/metrics/cadvisor", 200],
    ["/metrics/probes", 200],
    ["/containerLogs/ns/p/c", 200],
    ["/", 404],
    ["/configz", 404],
  ] as const
) {
  Deno.test(`handleKubelet() answers ${path} with ${status}`, async () =>
    assert.equal((await ask(path)).status, status));
}

Deno.test("handleKubelet() lists the pods and changes nothing", async () => {
  assert.equal((await (await ask("/pods")).json()).items[0].metadata.name, "p");
  assert.equal((await ask("/pods", { method: "POST" })).status, 405);
});

Deno.test("handleHealth() is for anybody, and an engine that is away is no reason to die", async () => {
  const health = (path: string, trouble?: string) =>
    handleHealth(new Request(`https://n1${path}`), { trouble: () => trouble });
  assert.equal(await health("/healthz")!.text(), "ok");
  assert.equal(health("/readyz", "no engine")!.status, 500);
  assert.equal(health("/livez", "no engine")!.status, 200);
  assert.equal(health("/pods"), undefined);
});

/** A CA and certificates made with openssl, if there is one. */
async function certificates(directory: string): Promise<void> {
  const run = async (...args: string[]) => {
    const { code, stderr } = await systemProcesses.run(["openssl", ...args]);
    if (code !== 0) throw new Error(stderr);
  };
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  await run("req", "-x509", ...key, "-subj", "/CN=ca", "-keyout", `${directory}/ca.key`, "-out", `${directory}/ca.crt`);
  await Deno.writeTextFile(`${directory}/extensions`, "extendedKeyUsage=clientAuth,serverAuth\n");
  for (
    const [file, name] of [
      ["server", "CN=n1"],
      ["caller", "O=system:masters/CN=kube-apiserver-kubelet-client"],
      ["node", "O=system:nodes/CN=system:node:n2"],
      ["probe", "CN=probe"],
    ]
  ) {
    await run(
      "req",
      ...key,
      "-subj",
      `/${name}`,
      "-keyout",
      `${directory}/${file}.key`,
      "-out",
      `${directory}/${file}.csr`,
    );
    await run(
      "x509",
      "-req",
      "-days",
      "1",
      ...["-in", `${directory}/${file}.csr`, "-CA", `${directory}/ca.crt`, "-CAkey", `${directory}/ca.key`],
      ...["-CAcreateserial", "-extfile", `${directory}/extensions`, "-out", `${directory}/${file}.crt`],
    );
  }
}

const openssl = await systemProcesses.run(["openssl", "version"]).then(() => true, () => false);

Deno.test({
  name: `listenKubelet() answers the API server, and others as far as they may${
    openssl ? "" : " (skipped: no openssl)"
  }`,
  ignore: !openssl,
  async fn() {
    const directory = await Deno.makeTempDir();
    const stop = new AbortController();
    try {
      await certificates(directory);
      const file = (name: string) => Deno.readTextFileSync(`${directory}/${name}`);
      const { port, closed } = await listenKubelet({
        ...api,
        access: createAccess({ client, clock: systemClock, nodeName: "n1" }),
      }, {
        address: "127.0.0.1",
        port: 0,
        files: { cert: `${directory}/server.crt`, key: `${directory}/server.key`, clientCa: `${directory}/ca.crt` },
        clock: systemClock,
        signal: stop.signal,
      });
      const get = (path: string, client?: string, headers: Record<string, string> = {}) =>
        new Promise<number>((resolve, reject) => {
          const identity = client === undefined ? {} : { cert: file(`${client}.crt`), key: file(`${client}.key`) };
          const where = { host: "127.0.0.1", port, path, agent: false, rejectUnauthorized: false, headers };
          https.get({ ...where, ...identity } as https.RequestOptions, (answer) => {
            answer.resume();
            answer.on("end", () => resolve(answer.statusCode!));
          }).on("error", reject);
        });
      const token = (value: string) => ({ authorization: `Bearer ${value}` });
      const upgrade = { connection: "Upgrade", upgrade: "SPDY/3.1" };
      for (
        const [path, client, headers, status] of [
          ["/pods", "caller", {}, 200],
          ["/pods", "node", {}, 403],
          ["/pods", "probe", {}, 403],
          ["/metrics", "probe", {}, 200],
          ["/metrics/resource", undefined, token("good"), 200],
          ["/containerLogs/ns/p/c", undefined, token("good"), 403],
          ["/metrics", undefined, token("bad"), 401],
          ["/metrics", undefined, {}, 401],
          ["/healthz", undefined, {}, 200],
          ["/exec/ns/p/c", undefined, upgrade, 401],
          ["/exec/ns/p/c", undefined, { ...upgrade, ...token("good") }, 403],
          // Whatever it calls itself: what is upgraded is a stream.
          ["/metrics", "probe", upgrade, 403],
          ["/metrics", "caller", upgrade, 404],
        ] as const
      ) {
        assert.equal(await get(path, client, headers), status, `${path} ${client} ${JSON.stringify(headers)}`);
      }
      stop.abort();
      await closed;
    } finally {
      stop.abort();
      await Deno.remove(directory, { recursive: true });
    }
  },
  // The next look at the certificates is a timer that lives as long as the process.
  sanitizeOps: false,
  sanitizeResources: false,
});

Deno.test({
  name: `listenKubelet() keeps what a client sends while its right is asked for${
    openssl ? "" : " (skipped: no openssl)"
  }`,
  ignore: !openssl,
  async fn() {
    const directory = await Deno.makeTempDir();
    const stop = new AbortController();
    const asked = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const slow = createClient(async () => {
      asked.resolve();
      await gate.promise;
      return Response.json({ status: { allowed: true } }, { status: 201 });
    });
    const handleUpgrade = (_request: unknown, socket: Duplex, head: Uint8Array) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n");
      socket.write(head);
      socket.on("data", (data) => socket.write(data));
      return true;
    };
    try {
      await certificates(directory);
      const file = (name: string) => Deno.readTextFileSync(`${directory}/${name}`);
      const access = createAccess({ client: slow, clock: systemClock, nodeName: "n1" });
      const { port, closed } = await listenKubelet({ ...api, access, streams: { ...api.streams, handleUpgrade } }, {
        address: "127.0.0.1",
        port: 0,
        files: { cert: `${directory}/server.crt`, key: `${directory}/server.key`, clientCa: `${directory}/ca.crt` },
        clock: systemClock,
        signal: stop.signal,
      });
      const socket = tls.connect({
        host: "127.0.0.1",
        port,
        rejectUnauthorized: false,
        cert: file("probe.crt"),
        key: file("probe.key"),
      });
      const echoed = Promise.withResolvers<void>();
      let said = "";
      socket.on("data", (data: Uint8Array) => {
        said += new TextDecoder().decode(data);
        if (said.endsWith("one two three")) echoed.resolve();
      });
      socket.on("error", echoed.reject);
      socket.write("GET /exec/ns/p/c HTTP/1.1\r\nHost: n1\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\none ");
      await asked.promise;
      await new Promise<void>((resolve) => socket.write("two ", () => resolve()));
      gate.resolve();
      socket.write("three");
      await echoed.promise;
      assert.match(said, /^HTTP\/1.1 101 /);
      socket.destroy();
      stop.abort();
      await closed;
    } finally {
      stop.abort();
      await Deno.remove(directory, { recursive: true });
    }
  },
  sanitizeOps: false,
  sanitizeResources: false,
});

const config = (args: string[], files: Record<string, string> = {}) =>
  agentConfig({ args, env: {}, readFile: (path) => files[path] ?? "" }, systemProcesses);

Deno.test("agentConfig() takes flags, and refuses what is wrong by its name", async () => {
  const given = ["--cluster-id", "c1", "--node-name", "n1", "--node-ip", "10.0.0.1"];
  const { config: made, rest } = await config([
    ...given,
    "--cluster-dns",
    "10.96.0.10, 10.96.0.11",
    "--node-labels",
    "a=b,c=",
    "pods",
  ]);
  assert.deepEqual(made.dns, ["10.96.0.10", "10.96.0.11"]);
  assert.deepEqual(made["node-labels"], { a: "b", c: "" });
  assert.deepEqual(rest, ["pods"]);
  assert.equal(runDirectory(made), "/run/sauropod-c1-n1");
  for (
    const [args, message] of [
      [["--cluster-id", "Not One"], /--cluster-id: "Not One" is not a cluster's id/],
      [["--node-name", "n1"], /--cluster-id: "" is not a cluster's id/],
      [[...given, "--max-pods", "0"], /--max-pods: "0" is not a whole number from 1 to 1000/],
      [[...given, "--node-labels", "nothing"], /--node-labels: "nothing" is not a label like key=value/],
    ] as const
  ) {
    await assert.rejects(config([...args]), (error) => error instanceof FlagError && message.test(error.message));
  }
});

// Which container a stream is about.
const pod = {
  metadata: { name: "p", namespace: "ns", uid: "u" },
  spec: { containers: [{ name: "app" }] },
  status: {
    podIP: "10.0.0.5",
    containerStatuses: [{ name: "app", state: { waiting: { reason: "ImagePullBackOff" } } }],
  },
} as unknown as Pod;
const container = (name: string, attempt: number, state: Observed["state"]) =>
  ({ id: `${name}-${attempt}`, container: name, attempt, state, createdMs: attempt, pid: 9 }) as Observed;
const there = (...all: Observed[]): PodContainers => groupContainers(all);
const running = there(container("POD", 0, "running"), container("app", 2, "running"), container("app", 1, "exited"));
const question = { namespace: "ns", pod: "p", container: "app" };

Deno.test("targetOf() finds the container, its last run, and the sandbox", () => {
  const find = (more: object, containers = running) =>
    targetOf({ ...question, purpose: "logs", ...more }, pod, containers, "1.2.3.4");
  assert.equal(find({}).containerId, "app-2");
  assert.equal(find({ previous: true }).containerId, "app-1");
  assert.equal(find({ purpose: "exec" }).containerId, "app-2");
  assert.deepEqual(find({ purpose: "portForward" }), {
    uid: "u",
    containerId: "POD-0",
    address: { pid: 9, ip: "10.0.0.5", hostNetwork: false },
  });
  const crashed = there(container("app", 2, "exited"), container("app", 1, "exited"));
  assert.equal(find({}, crashed).containerId, "app-2");
  assert.equal(find({ previous: true }, crashed).containerId, "app-2");
});

for (
  const [more, containers, message] of [
    [{}, there(), 'container "app" in pod "p" is waiting to start: trying and failing to pull image'],
    [
      { previous: true },
      there(container("app", 0, "running")),
      'previous terminated container "app" in pod "p" not found',
    ],
    [{ container: "no" }, running, "container no is not valid for pod p"],
    [{ purpose: "exec" }, there(container("app", 0, "exited")), 'container not found ("app")'],
    [{ purpose: "portForward" }, there(), 'unable to forward port because pod "p" has no running sandbox'],
  ] as const
) {
  Deno.test(`targetOf() says: ${message}`, () => {
    assert.throws(
      () => targetOf({ ...question, purpose: "logs", ...more }, pod, containers, ""),
      (error) => error instanceof StatusError && error.message === message,
    );
  });
}
