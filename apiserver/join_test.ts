import assert from "assert";
import { X509Certificate } from "node:crypto";
import { createJoiningServer, type JoiningServer, joinServer } from "../tests/harness/joining.ts";
import { JoinError } from "../lib/join/join_error.ts";
import { createToken, joinStringOf, revokeToken } from "../lib/join/tokens.ts";
import { parseJoinString } from "../lib/join/join_string.ts";
import { credentialPaths, credentialTrouble, readJoined } from "../lib/join/joined.ts";
import { agentCertificates, keepCertificates, proxyCertificates } from "../lib/join/renewal.ts";
import { createClient } from "../lib/client/client.ts";
import { addressesAnnotation, machineAnnotation, servingNames } from "../lib/join/signers.ts";
import { readKubeconfig } from "../lib/join/follow.ts";
import { readPair } from "../lib/pki/pair_file.ts";
import { lifetimeOf } from "../lib/pki/certificate.ts";
import { systemRandom } from "../lib/seams/random.ts";
import { CertificateSigningRequest, Node } from "../lib/types/kinds.ts";

interface Scene {
  server: JoiningServer;
  dir(name: string): string;
  /** A fresh join string. */
  fresh(ttlMs?: number): Promise<ReturnType<typeof parseJoinString>>;
}

function scene(name: string, run: (scene: Scene) => Promise<void>): void {
  Deno.test(name, async () => {
    const root = await Deno.makeTempDir();
    try {
      await using server = await createJoiningServer();
      const { admin: client, clock, authority } = server;
      await run({
        server,
        dir: (host) => `${root}/${host}`,
        async fresh(ttlMs = 3_600_000) {
          const token = await createToken({ client, clock, random: systemRandom }, { ttlMs });
          return parseJoinString(joinStringOf({ server: joinServer, ca: authority.cert }, token));
        },
      });
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });
}

/** What an agent does at its start, as far as others look at it. */
async function register(server: JoiningServer, dataDir: string, node: { machine: string; ip: string }): Promise<void> {
  const { nodeName } = (await readJoined(dataDir))!;
  const client = server.client((await readPair(credentialPaths(dataDir, "agent").client))!);
  const object = await client.create(Node, { metadata: { name: nodeName }, spec: {} });
  const addresses = [{ type: "InternalIP", address: node.ip }];
  const nodeInfo = { ...object.status.nodeInfo, machineID: node.machine };
  const status = { addresses, nodeInfo, conditions: [{ type: "Ready", status: "True" }] };
  await client.patch(Node, { name: nodeName }, { type: "merge", patch: { status } }, { subresource: "status" });
}

const refused = (why: RegExp) => (error: unknown) => error instanceof JoinError && why.test(error.message);

scene("joinCluster() ends with credentials of a node's agent and proxy, which nobody else can read", async (s) => {
  const dataDir = s.dir("a");
  const result = await s.server.join({ join: await s.fresh(), dataDir, nodeName: "n1" });
  assert.equal(result.settings.clusterDns, "10.96.0.10");
  assert.equal(await credentialTrouble(dataDir, result, s.server.clock.now()), undefined);
  const serving = new X509Certificate(result.serving.cert);
  assert.deepEqual(["n1", "192.0.2.9"].map((name) => serving.checkHost(name) ?? serving.checkIP(name)), [
    "n1",
    "192.0.2.9",
  ]);
  assert.equal(new X509Certificate(result.proxy.cert).subject, "O=system:node-proxier\nCN=system:node-proxy:n1");
  for (
    const file of ["agent/client.key", "agent/server.key", "proxy/client.key", "agent/kubeconfig", "proxy/kubeconfig"]
  ) {
    assert.equal((await Deno.stat(`${dataDir}/${file}`)).mode! & 0o777, 0o600, file);
  }
  const { ca, cert } = await readKubeconfig(`${dataDir}/agent/kubeconfig`);
  assert.deepEqual([new X509Certificate(ca).fingerprint256, cert], [
    new X509Certificate(s.server.authority.cert).fingerprint256,
    result.agent.cert,
  ]);
});

scene("twenty hosts join at once with one token", async (s) => {
  const join = await s.fresh();
  const hosts = Array.from({ length: 20 }, (_, i) => ({
    join,
    dataDir: s.dir(`h${i}`),
    nodeName: `n${i}`,
    nodeIp: `192.0.2.${100 + i}`,
    machineId: `m${i}`,
  }));
  const results = await Promise.all(hosts.map((host) => s.server.join(host)));
  assert.deepEqual(results.map(({ nodeName }) => nodeName), hosts.map(({ nodeName }) => nodeName));
  assert.equal(new Set(results.map(({ agent }) => agent.cert)).size, 20);
});

scene("a server that fails now and then is asked again", async (s) => {
  const failures: (() => Promise<Response>)[] = [
    () => Promise.resolve(Response.json({ kind: "Status", code: 503, reason: "ServiceUnavailable" }, { status: 503 })),
    () => Promise.reject(new TypeError("connection reset")),
    () => Promise.resolve(Response.json({ kind: "Status", code: 429, reason: "TooManyRequests" }, { status: 429 })),
  ];
  let asked = 0;
  const { network } = s.server;
  const transport: typeof network.transport = (access) => {
    const real = network.transport(access);
    const flaky = (request: Request) => {
      const isWish = request.method === "POST" && request.url.includes("certificatesigningrequests");
      return isWish && asked++ < 6 && asked % 2 === 1 ? failures.shift()!() : real(request);
    };
    return Object.assign(flaky, { close: () => real.close() });
  };
  const host = { join: await s.fresh(), dataDir: s.dir("a"), nodeName: "n1", network: { ...network, transport } };
  const result = await s.server.join(host, { stepMs: 10 });
  assert.equal(await credentialTrouble(s.dir("a"), result, s.server.clock.now()), undefined);
  assert.deepEqual([failures.length, asked], [0, 6]);
});

scene("two machines of one name: the second is refused, while the first joins and after", async (s) => {
  const join = await s.fresh();
  const host = (name: string, machineId: string) => ({ join, dataDir: s.dir(name), nodeName: "n1", machineId });
  const both = await Promise.allSettled([s.server.join(host("a", "m1")), s.server.join(host("b", "m2"))]);
  assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
  const winner = both[0]!.status === "fulfilled" ? { name: "a", machine: "m1" } : { name: "b", machine: "m2" };
  const no = both.find((one) => one.status === "rejected") as PromiseRejectedResult;
  assert.match(no.reason.message, /another machine \(192.0.2.9\) is joining as node n1 at this moment/);
  await register(s.server, s.dir(winner.name), { machine: winner.machine, ip: "192.0.2.9" });
  await assert.rejects(
    s.server.join(host("c", "m3")),
    refused(
      /^node n1 is another machine \(192\.0\.2\.9\), with machine id m\d; this one's is m3: .*kubectl delete node n1/,
    ),
  );
  await s.server.admin.delete(Node, { name: "n1" });
  await s.server.join(host("c", "m3"));
});

scene("the same machine joins again with a new key and a new address", async (s) => {
  const first = s.dir("a");
  await s.server.join({ join: await s.fresh(), dataDir: first, nodeName: "n1" });
  await register(s.server, first, { machine: "m1", ip: "192.0.2.9" });
  const again = { join: await s.fresh(), dataDir: s.dir("b"), nodeName: "n1", nodeIp: "192.0.2.77" };
  const result = await s.server.join(again);
  assert.equal(new X509Certificate(result.serving.cert).checkIP("192.0.2.77"), "192.0.2.77");
});

scene("a serving certificate is not for the address of a node that lives", async (s) => {
  await s.server.join({ join: await s.fresh(), dataDir: s.dir("a"), nodeName: "n1" });
  await register(s.server, s.dir("a"), { machine: "m1", ip: "192.0.2.9" });
  const other = { join: await s.fresh(), dataDir: s.dir("b"), nodeName: "n2", machineId: "m2" };
  await assert.rejects(s.server.join(other), refused(/address 192\.0\.2\.9 is that of node n1, which is Ready/));
});

scene("a token that can't be used is refused with what to do", async (s) => {
  const [good, old, gone] = [await s.fresh(), await s.fresh(60_000), await s.fresh()];
  await revokeToken(s.server.admin, gone.token.id);
  const attempt = (join: typeof good) => s.server.join({ join, dataDir: s.dir("x"), nodeName: "n1" });
  await assert.rejects(attempt(gone), refused(/does not know token .* it was revoked/));
  const wrong = { ...good, token: { ...good.token, secret: "0".repeat(16) } };
  await assert.rejects(attempt(wrong), refused(/does not know token .*token create/));
  await assert.rejects(attempt({ ...good, caHash: "0".repeat(64) }), refused(/certificate authority has another key/));
  await s.server.clock.advance(61_000);
  await assert.rejects(attempt(old), refused(/does not know token|has expired at/));
});

scene("a server that does not answer is tried for two minutes, with a line now and then", async (s) => {
  const said: string[] = [];
  let attempts = 0;
  const network = {
    ...s.server.network,
    chain: () => {
      attempts++;
      return Promise.reject(new Error("connect ECONNREFUSED"));
    },
  };
  const host = {
    join: await s.fresh(),
    dataDir: s.dir("a"),
    nodeName: "n1",
    network,
    say: (line: string) => void said.push(line),
  };
  await assert.rejects(
    s.server.join(host, { stepMs: 100 }),
    refused(/could not be reached within 120 s: connect ECONNREFUSED/),
  );
  assert.ok(attempts > 100 && said.length >= 20 && said.length <= 24, `${attempts} attempts, ${said.length} lines`);
});

scene("certificates are renewed in the last third of their life, by who has them", async (s) => {
  const { server } = s;
  const dataDir = s.dir("a");
  const result = await server.join({ join: await s.fresh(), dataDir, nodeName: "n1" });
  const stop = new AbortController();
  const followed = (kubeconfig: string) => ({
    access: () => ({ server: joinServer, ca: result.ca }),
    reread: () => Promise.resolve(void kubeconfig),
  });
  const paths = { agent: credentialPaths(dataDir, "agent"), proxy: credentialPaths(dataDir, "proxy") };
  // Whatever stands in the kubeconfig is what is shown.
  const clientOf = (kubeconfig: string) =>
    createClient(async (request) => await server.network.transport(await readKubeconfig(kubeconfig))(request));
  const options = (client: ReturnType<typeof clientOf>) => ({
    client,
    annotations: { [machineAnnotation]: "m1", [addressesAnnotation]: "192.0.2.9" },
    clock: server.clock,
    random: { ...systemRandom, number: () => 0.5 },
    signal: stop.signal,
  });
  const keeping = Promise.all([
    keepCertificates(
      agentCertificates("n1", {
        files: { ...paths.agent, followed: followed(paths.agent.kubeconfig) },
        serving: paths.agent.serving,
        names: servingNames("n1", "192.0.2.9"),
      }),
      options(clientOf(paths.agent.kubeconfig)),
    ),
    keepCertificates(
      proxyCertificates("n1", { ...paths.proxy, followed: followed(paths.proxy.kubeconfig) }),
      options(clientOf(paths.proxy.kubeconfig)),
    ),
  ]);
  const present = async () => ({
    agent: (await readKubeconfig(paths.agent.kubeconfig)).cert!,
    serving: (await readPair(paths.agent.serving))?.cert,
    proxy: (await readKubeconfig(paths.proxy.kubeconfig)).cert!,
  });
  const before = await present();
  const hour = 3_600_000;
  server.clock.jump(200 * 24 * hour);
  await server.clock.advance(hour);
  assert.deepEqual(await present(), before, "not before it is time");
  server.clock.jump(100 * 24 * hour);
  await server.clock.advance(hour);
  const renewed = async () => {
    for (;;) {
      const now = await present();
      if (
        now.serving !== undefined && Object.keys(now).every((name) => now[name as "agent"] !== before[name as "agent"])
      ) return now;
      await new Promise((resolve) => server.clock.after(1_000, () => resolve(undefined)));
    }
  };
  const after = await server.passing(renewed(), { stepMs: 100 });
  for (const cert of Object.values(after)) {
    assert.ok(lifetimeOf(cert!).to > server.clock.now() + 360 * 86_400_000);
  }
  server.clock.jump(100 * 24 * hour);
  assert.equal((await clientOf(paths.agent.kubeconfig).list(CertificateSigningRequest)).items.length >= 0, true);
  await assert.rejects(
    server.client({ cert: before.agent }).list(CertificateSigningRequest),
    "the old one has run out",
  );
  stop.abort();
  await keeping;
});
