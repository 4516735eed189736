/**
 * A year passes, by a clock that is moved: each certificate is renewed before it ends and used by new connections, without a restart and
 * without a connection that breaks. How agents and proxies ask for theirs is in apiserver/join_test.ts.
 */
import assert from "assert";
import { X509Certificate } from "node:crypto";
import https from "node:https";
import type { AddressInfo } from "node:net";
import tls, { type TLSSocket } from "node:tls";
import { clientCertificates } from "../../apiserver/auth/authenticate.ts";
import { createConnector } from "../../apiserver/connector.ts";
import { ensureCredentials } from "../../apiserver/pki/credentials.ts";
import { authorityWarning, certificateHealth, keepCredentials } from "../../apiserver/pki/renewal.ts";
import { errorResponse } from "../../apiserver/rest/status_answer.ts";
import { type Handler, listen } from "../../apiserver/server.ts";
import { type KubeletApi, listenKubelet } from "../../agent/server.ts";
import { followAccess, readKubeconfig } from "../../lib/join/follow.ts";
import { writeClient } from "../../lib/join/joined.ts";
import { readPair, writePair } from "../../lib/pki/pair_file.ts";
import { FakeClock, systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";

const dayMs = 86_400_000;
/** TLS goes by the real clock: ours begins in the past, so that what it makes is good today, before and after it was moved. */
const daysMoved = 246;

const fingerprint = (cert: string) => new X509Certificate(cert).fingerprint256;

/** The certificate with which new connections are served. */
function served(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port,
      ca,
      servername: "localhost",
      checkServerIdentity: () => undefined,
    }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.end();
    });
    socket.on("error", reject);
  });
}

/** No pods and no streams: here only the certificates matter. */
const nobody = { streams: { close: () => Promise.resolve() } } as unknown as KubeletApi;

/** Answers with who asks, as its certificate says; `/held` goes on until the server tells it to end. */
function whoAsks(clock: FakeClock, held: ReadableStream<Uint8Array>): Handler {
  const used: number[] = [];
  const authenticator = clientCertificates({ clock, onUse: (left) => used.push(left) });
  return async (request, bindings = {}) => {
    try {
      if (new URL(request.url).pathname === "/held") return new Response(held);
      const socket = bindings.incoming?.socket as TLSSocket;
      const user = await authenticator.authenticate({ headers: request.headers, socket });
      const shown = socket.getPeerCertificate().fingerprint256;
      return Response.json({ name: user?.name, shown, daysLeft: (used.at(-1) ?? 0) * 1000 / dayMs });
    } catch (error) {
      return errorResponse(error);
    }
  };
}

/** What stands for an agent: answers with the certificate that the API server has shown. */
async function showingServer(pair: { cert: string; key: string }, ca: string) {
  const server = https.createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: true }, (request, answer) => {
    answer.end((request.socket as TLSSocket).getPeerCertificate().fingerprint256);
  });
  await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, () => resolve()));
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

Deno.test("certificates of API server, agents and components are renewed before they end, and used without a restart", async () => {
  const dataDir = await Deno.makeTempDir();
  await using closing = new AsyncDisposableStack();
  closing.defer(() => Deno.remove(dataDir, { recursive: true }));
  const clock = new FakeClock(systemClock.now() - (daysMoved + 2) * dayMs);
  const options = {
    ...{
      dataDir,
      advertiseAddress: "192.0.2.7",
      port: 6443,
      serviceAddress: "10.96.0.1",
      clusterDomain: "cluster.local",
    },
    ...{ nodeName: "localhost", nodeAddress: "127.0.0.1", clock, random: systemRandom },
  };
  const first = await ensureCredentials(options);
  let current = first;
  const ca = first.authority.cert;
  const ending = new AbortController();
  const { signal } = ending;

  let tell!: ReadableStreamDefaultController<Uint8Array>;
  const held = new ReadableStream<Uint8Array>({ start: (controller) => void (tell = controller) });
  const api = await listen({
    handler: whoAsks(clock, held),
    clock: systemClock,
    ...{ host: "127.0.0.1", port: 0, tls: { ...first.server, ca } },
    tunnel: { nodeAddress: () => assert.fail("nobody asks"), ca, client: () => current.client },
  });
  closing.defer(() => api.close(systemClock));
  const keeping = keepCredentials(options, {
    present: first,
    signal,
    use(renewed) {
      current = renewed;
      api.useCertificate(renewed.server);
    },
  });

  const serving = `${dataDir}/agent/server`;
  const files = { cert: `${serving}.crt`, key: `${serving}.key`, clientCa: `${dataDir}/pki/ca.crt` };
  const kubelet = await listenKubelet(nobody, { address: "127.0.0.1", port: 0, files, clock, signal });
  const node = await showingServer((await readPair(serving))!, ca);
  closing.defer(() => node.close());
  const address = { host: "127.0.0.1", port: node.port, serverName: "localhost" };
  const connect = createConnector(ca, () => current.client, () => address);
  const shownToNode = async () =>
    await (await connect({ to: "node", node: "localhost", path: "/" }, new Request("http://any/"))).text();

  const kubeconfig = `${dataDir}/agent/kubeconfig`;
  const here = { server: `https://127.0.0.1:${api.port}` };
  const agent = await followAccess(async () => ({ ...await readKubeconfig(kubeconfig), ...here }), { clock, signal });
  closing.defer(() => agent.close());
  const asAgent = async () => await (await agent.transport(new Request("http://any/who"))).json();
  const heldBody = (await agent.transport(new Request("http://any/held"))).body!.getReader();

  const before = {
    served: await served(api.port, ca),
    toNode: await shownToNode(),
    agent: await asAgent(),
    kubelet: await served(kubelet.port, ca),
  };
  assert.deepEqual([before.served, before.toNode], [fingerprint(first.server.cert), fingerprint(first.client.cert)]);
  assert.equal(before.agent.name, "system:node:localhost");
  assert.ok(before.agent.daysLeft > 364);

  /** Lets what is due at the moved clock happen: the work itself takes real time. */
  const until = async (what: string, done: () => boolean | Promise<boolean>) => {
    for (let tries = 0; tries < 500; tries++) {
      if (await done()) return;
      await clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.fail(what);
  };
  await clock.advance(daysMoved * dayMs);
  await until("the API server has not renewed its certificates", () => current !== first);
  assert.equal(await served(api.port, ca), fingerprint(current.server.cert));
  assert.notEqual(fingerprint(current.server.cert), before.served);
  assert.equal(await shownToNode(), fingerprint(current.client.cert));
  assert.notEqual(fingerprint(current.client.cert), before.toNode);

  // A connection from before goes on; the authority is the same, so nobody has to be told anything.
  tell.enqueue(new TextEncoder().encode("still here"));
  assert.equal(new TextDecoder().decode((await heldBody.read()).value), "still here");
  assert.equal(current.authority.cert, ca);

  const subject = { commonName: "system:node:localhost", organizations: ["system:nodes"] };
  const client = await current.authority.issue(subject, { usage: "client" });
  await writeClient({ client: `${dataDir}/agent/client`, kubeconfig }, { ...here, ca }, client);
  const pair = await current.authority.issue(subject, { usage: "server", names: ["localhost", "127.0.0.1"] });
  await writePair(serving, pair);
  await until("the agent shows its old certificate", async () => (await asAgent()).shown === fingerprint(client.cert));
  await until("the agent serves its old one", async () => await served(kubelet.port, ca) === fingerprint(pair.cert));
  assert.equal((await asAgent()).name, "system:node:localhost");

  // Nobody goes on with a certificate that has ended, on a connection from before either.
  await clock.advance(366 * dayMs);
  assert.equal((await asAgent()).code, 401);
  ending.abort();
  await Promise.all([keeping, kubelet.closed]);
});

Deno.test("certificateHealth() says until when each is good; the end of the authority is told a year before", async () => {
  const dataDir = await Deno.makeTempDir();
  try {
    const clock = new FakeClock(Date.UTC(2026, 5, 1));
    const options = {
      dataDir,
      advertiseAddress: "192.0.2.7",
      port: 6443,
      serviceAddress: "10.96.0.1",
      clusterDomain: "cluster.local",
    };
    const credentials = await ensureCredentials({ ...options, clock, random: systemRandom });
    assert.equal(
      certificateHealth(credentials, clock),
      "apiserver until 2027-06-01, apiserver-client until 2027-06-01, ca until 2036-05-29",
    );
    const end = Date.UTC(2036, 4, 29);
    assert.equal(authorityWarning(credentials.authority.cert, end - 366 * dayMs), undefined);
    assert.match(
      authorityWarning(credentials.authority.cert, end - 30 * dayMs)!,
      /ends on 2036-05-29, in 30 days: replace it/,
    );
    await clock.advance(366 * dayMs);
    assert.throws(() => certificateHealth(credentials, clock), /the certificate apiserver ended on 2027-06-01/);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
});
