/** Probes: their state, their times, and what they say of real servers. */
import assert from "assert";
import http from "node:http";
import net from "node:net";
import http2 from "node:http2";
import { FakeClock, systemClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import type { Container, Pod, Probe } from "../../lib/types/core_v1.ts";
import { metricsText } from "../node/metrics.ts";
import { FakeEngine } from "../engine/fake.ts";
import { probeExec } from "./exec.ts";
import { probeGrpc, responseStatus, takeFrames } from "./grpc.ts";
import { httpGetOf, probeHttp } from "./http.ts";
import { beginning, isSettled, nextDelayMs, type ProbeResult, type ProbeType, step, timingOf } from "./machine.ts";
import { createProbeCounts } from "./counts.ts";
import { createProbes } from "./probes.ts";
import { PortError, portOf } from "./target.ts";
import { probeTcp } from "./tcp.ts";

const letters: Record<string, ProbeResult> = { S: "success", F: "failure", U: "unknown" };

/** Runs answers through the machine; each letter of the result is its state after that run. */
function check(
  type: ProbeType,
  thresholds: { success: number; failure: number },
  answers: string,
  states: string,
): void {
  Deno.test(`step() of a ${type} probe with ${JSON.stringify(thresholds)}: ${answers} → ${states}`, () => {
    let progress = beginning(type);
    const seen = [...answers].map((letter) => {
      progress = step(progress, thresholds, letters[letter]!);
      return progress.result[0]!.toUpperCase();
    });
    assert.equal(seen.join(""), states);
  });
}
check("readiness", { success: 1, failure: 3 }, "FSFFSFFFS", "FSSSSSSFS");
check("readiness", { success: 2, failure: 1 }, "SSFSS", "FSFFS");
check("liveness", { success: 1, failure: 3 }, "FFSFFF", "SSSSSF");
check("liveness", { success: 1, failure: 1 }, "U", "S");
check("startup", { success: 1, failure: 3 }, "FFS", "UUS");
check("startup", { success: 1, failure: 2 }, "FUF", "UUF");

Deno.test("beginning() goes on where the agent was before its restart", () => {
  assert.equal(beginning("readiness").result, "failure");
  assert.equal(beginning("readiness", { started: true, ready: true }).result, "success");
  assert.equal(beginning("startup", { started: true, ready: false }).result, "success");
  assert.equal(beginning("startup", { started: false, ready: false }).result, "unknown");
  assert.ok(isSettled("startup", beginning("startup", { started: true, ready: true })));
});

Deno.test("nextDelayMs() asks a new container for readiness more often, and then by its period", () => {
  const timing = timingOf({ periodSeconds: 2 });
  const delays = [0, 1, 2, 3, 6, 7].map((runs) =>
    nextDelayMs("readiness", timing, { everReady: false, runs, ranForMs: 500 }).delayMs
  );
  assert.deepEqual(delays, [25, 50, 100, 200, 1600, 2000]);
  const of = (type: ProbeType, more: object) =>
    nextDelayMs(type, timing, { everReady: false, runs: 0, ranForMs: 0, ...more }).delayMs;
  assert.equal(of("readiness", { everReady: true }), 2000);
  assert.equal(of("readiness", { ranForMs: 2000 }), 2000);
  assert.equal(of("liveness", {}), 2000);
});

Deno.test("portOf() finds ports by name", () => {
  const container: Container = { name: "app", ports: [{ name: "web", containerPort: 8080 }] };
  assert.deepEqual(["web", 80, "81"].map((port) => portOf(container, port)), [8080, 80, 81]);
  assert.throws(() => portOf(container, "no"), PortError);
  assert.throws(() => portOf(container, 70_000), PortError);
});

const limits = { timeoutMs: 2_000, clock: systemClock };
const noContainer: Container = { name: "app" };

async function listening(server: net.Server, run: (port: number) => Promise<void>): Promise<void> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await run((server.address() as net.AddressInfo).port);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

Deno.test("probeHttp() takes header lines that end with a bare line feed, as Go's client does", async () => {
  const server = net.createServer((socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\n\nbody"));
  });
  await listening(server, async (port) => {
    const get = httpGetOf({ path: "/", port }, noContainer, "127.0.0.1");
    assert.deepEqual(await probeHttp(get, limits), { result: "success", message: "body" });
  });
});

Deno.test("probeHttp() judges by status, sends the headers and follows redirects on the same host", async () => {
  const seen: http.IncomingHttpHeaders[] = [];
  const server = http.createServer((request, response) => {
    seen.push(request.headers);
    const [, code, target] = request.url!.split("/");
    if (target !== undefined) response.setHeader("location", decodeURIComponent(target));
    response.statusCode = Number(code);
    response.end("body");
  });
  await listening(server, async (port) => {
    const probe = (path: string, httpHeaders: { name: string; value: string }[] = []) =>
      probeHttp(httpGetOf({ path, port, httpHeaders }, noContainer, "127.0.0.1"), limits);
    assert.deepEqual(await probe("/200"), { result: "success", message: "body" });
    assert.deepEqual(await probe("/399"), { result: "success", message: "body" });
    assert.deepEqual(await probe("/404"), { result: "failure", message: "HTTP probe failed with statuscode: 404" });
    assert.deepEqual(await probe(`/302/${encodeURIComponent("/500")}`), {
      result: "failure",
      message: "HTTP probe failed with statuscode: 500",
    });
    assert.equal((await probe(`/302/${encodeURIComponent("http://other.example/")}`)).result, "success");
    assert.match((await probe(`/302/${encodeURIComponent(`/302/${encodeURIComponent("/302")}`)}`)).result, /success/);
    seen.length = 0;
    await probe("/200", [{ name: "Host", value: "web.example" }, { name: "X-A", value: "b" }]);
    assert.equal(seen[0]!.host, "web.example");
    assert.equal(seen[0]!["x-a"], "b");
    assert.equal(seen[0]!["user-agent"], "kube-probe/1.36");
  });
});

Deno.test("probeHttp() and probeTcp() say why nobody answers", async () => {
  const silent = net.createServer(() => {});
  const sockets = new Set<net.Socket>();
  silent.on("connection", (socket) => sockets.add(socket));
  let gone = 0;
  await listening(silent, async (port) => {
    gone = port;
    const late = await probeHttp({ url: `http://127.0.0.1:${port}/`, headers: {} }, { ...limits, timeoutMs: 50 });
    assert.equal(
      late.message,
      `Get "http://127.0.0.1:${port}/": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    );
    assert.deepEqual(await probeTcp({ host: "127.0.0.1", port }, limits), { result: "success", message: "" });
    for (const socket of sockets) socket.destroy();
  });
  const refused = `dial tcp 127.0.0.1:${gone}: connect: connection refused`;
  assert.deepEqual(await probeTcp({ host: "127.0.0.1", port: gone }, limits), { result: "failure", message: refused });
  assert.equal(
    (await probeHttp({ url: `http://127.0.0.1:${gone}/`, headers: {} }, limits)).message,
    `Get "http://127.0.0.1:${gone}/": ${refused}`,
  );
});

Deno.test("probeGrpc() asks a server over HTTP/2", async () => {
  let status = 1;
  const server = http2.createServer();
  const asked: string[] = [];
  server.on("stream", (stream, headers) => {
    asked.push(String(headers[":path"]));
    stream.on("data", (data: Uint8Array) => asked.push(new TextDecoder().decode(data.subarray(7))));
    stream.on("end", () => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.end(new Uint8Array([0, 0, 0, 0, 2, 8, status]));
    });
    stream.on("error", () => {});
  });
  server.on("sessionError", () => {});
  await listening(server as unknown as net.Server, async (port) => {
    const probe = () => probeGrpc({ host: "127.0.0.1", port, service: "db" }, limits);
    assert.deepEqual(await probe(), { result: "success", message: "service healthy" });
    assert.deepEqual(asked, ["/grpc.health.v1.Health/Check", "db"]);
    status = 2;
    assert.deepEqual(await probe(), { result: "failure", message: 'service unhealthy (responded with "NOT_SERVING")' });
  });
});

Deno.test("probeGrpc() fails on a server that speaks something else", async () => {
  const server = http.createServer((_, response) => response.end());
  await listening(server, async (port) => {
    assert.equal((await probeGrpc({ host: "127.0.0.1", port, service: "" }, limits)).result, "failure");
  });
});

Deno.test("takeFrames() waits for whole frames", () => {
  const bytes = new Uint8Array([0, 0, 2, 0, 1, 0, 0, 0, 1, 7, 8, 0, 0, 9]);
  const { frames, rest } = takeFrames(bytes);
  assert.equal(frames.length, 1);
  assert.deepEqual([...frames[0]!.payload], [7, 8]);
  assert.equal(rest.length, 3);
  assert.equal(responseStatus(new Uint8Array([0, 0, 0, 0, 2, 8])), undefined);
  assert.equal(responseStatus(new Uint8Array([0, 0, 0, 0, 0])), "UNKNOWN");
});

Deno.test("probeExec() tells success, failure, time-out and a container that is gone apart", async () => {
  const engine = new FakeEngine({ clock: systemClock });
  engine.addImage("app:1");
  const containerId = await engine.create({ name: "c", image: "app:1", command: ["serve"], networkMode: "none" });
  await engine.start(containerId);
  const probe = (command: string[], timeoutMs = 2_000) =>
    probeExec(engine, { containerId, command }, { timeoutMs, clock: systemClock });
  assert.deepEqual(await probe(["say", "fine"]), { result: "success", message: "fine\n" });
  assert.deepEqual(await probe(["say", "out", "", "3"]), { result: "failure", message: "out\n" });
  const late = await probe(["stubborn"], 20);
  assert.equal(late.result, "failure");
  assert.match(late.message, /timed out/);
  await engine.kill(containerId, "SIGKILL");
  assert.equal((await probe(["say"])).result, "unknown");
});

interface Rig {
  clock: FakeClock;
  answers: Record<string, ProbeResult>;
  ran: string[];
  failures: string[];
  counted: string[];
  probes: ReturnType<typeof createProbes>;
  sync(container: Partial<Container>, more?: object): void;
}

function rig(): Rig {
  const clock = new FakeClock();
  const self: Rig = {
    clock,
    answers: {},
    ran: [],
    failures: [],
    counted: [],
    probes: createProbes({
      clock,
      random: seededRandom(1),
      run: async (probe) => {
        const type = probe.exec!.command![0]!;
        self.ran.push(type);
        return { result: self.answers[type] ?? "success", message: "" };
      },
      ran: (_target, type, { result }) => void self.counted.push(`${type} ${result}`),
      changed: () => {},
      failed: (_target, type) => void self.failures.push(type),
    }),
    sync: (container, more = {}) =>
      self.probes.sync("u", [{
        pod: {} as Pod,
        container: { name: "app", ...container },
        containerId: "c1",
        podIP: "10.0.0.1",
        startedMs: clock.now(),
        terminating: false,
        ...more,
      }]),
  };
  return self;
}
const probe = (type: ProbeType, more: Partial<Probe> = {}): Probe => ({
  exec: { command: [type] },
  periodSeconds: 1,
  ...more,
});

Deno.test("createProbes() holds readiness and liveness back until the container has started", async () => {
  const r = rig();
  r.answers.startup = "failure";
  r.sync({
    startupProbe: probe("startup", { failureThreshold: 5 }),
    readinessProbe: probe("readiness"),
    livenessProbe: probe("liveness"),
  });
  await r.clock.advance(1_500);
  assert.deepEqual(new Set(r.ran), new Set(["startup"]));
  assert.deepEqual(r.probes.states("u").get("c1"), { started: false, ready: false });
  r.answers.startup = "success";
  await r.clock.advance(1_000);
  assert.deepEqual(r.probes.states("u").get("c1"), { started: true, ready: true });
  const runs = r.ran.filter((type) => type === "startup").length;
  await r.clock.advance(5_000);
  assert.equal(r.ran.filter((type) => type === "startup").length, runs);
  r.probes.close();
});

Deno.test("createProbes() gives a container up after failures in a row, and then asks no more", async () => {
  const r = rig();
  r.sync({
    livenessProbe: probe("liveness", { failureThreshold: 2, terminationGracePeriodSeconds: 3, initialDelaySeconds: 5 }),
  });
  await r.clock.advance(4_900);
  assert.deepEqual(r.ran, []);
  r.answers.liveness = "failure";
  await r.clock.advance(1_200);
  assert.deepEqual(r.probes.states("u").get("c1")?.failed, { probe: "liveness", graceSeconds: 3 });
  const runs = r.ran.length;
  await r.clock.advance(5_000);
  assert.equal(r.ran.length, runs);
  assert.deepEqual(r.failures, ["liveness", "liveness"]);
  assert.deepEqual(r.counted, ["liveness failure", "liveness failure"]);
  r.probes.close();
});

Deno.test("createProbes() asks a container that goes only for its readiness", async () => {
  const r = rig();
  const container = { readinessProbe: probe("readiness"), livenessProbe: probe("liveness") };
  r.sync(container);
  await r.clock.advance(100);
  r.sync(container, { terminating: true });
  r.ran.length = 0;
  await r.clock.advance(3_000);
  assert.deepEqual(new Set(r.ran), new Set(["readiness"]));
  r.probes.sync("u", []);
  r.ran.length = 0;
  await r.clock.advance(3_000);
  assert.deepEqual(r.ran, []);
  assert.equal(r.probes.states("u").size, 0);
});

Deno.test("createProbes() keeps a container ready over a restart of the agent until a probe says otherwise", async () => {
  const r = rig();
  r.answers.readiness = "failure";
  r.sync({ readinessProbe: probe("readiness", { failureThreshold: 1 }) }, { known: { started: true, ready: true } });
  assert.deepEqual(r.probes.states("u").get("c1"), { started: true, ready: true });
  await r.clock.advance(2_100);
  assert.equal(r.probes.states("u").get("c1")?.ready, false);
  r.probes.close();
});

Deno.test("createProbeCounts() counts by result, over restarts of a container, until the pod has gone", () => {
  const here = new Set(["u", "v"]);
  const counts = createProbeCounts((uid) => here.has(uid));
  const target = (uid: string, containerId = "1") =>
    ({
      pod: { metadata: { name: "p", namespace: "ns", uid } },
      container: { name: "c" },
      containerId,
    }) as unknown as Parameters<typeof counts.ran>[0];
  counts.ran(target("u"), "readiness", { result: "success", tookMs: 7 });
  counts.ran(target("u", "2"), "readiness", { result: "success", tookMs: 30_000 });
  counts.ran(target("u"), "liveness", { result: "failure", tookMs: 1 });
  const lines = metricsText(counts.metrics()).split("\n");
  const labels = 'probe_type="Readiness",container="c",pod="p",namespace="ns"';
  for (
    const line of [
      `prober_probe_total{${labels},pod_uid="u",result="successful"} 2`,
      `prober_probe_total{${labels.replace("Readi", "Live")},pod_uid="u",result="failed"} 1`,
      `prober_probe_duration_seconds_bucket{${labels},le="0.005"} 0`,
      `prober_probe_duration_seconds_bucket{${labels},le="0.01"} 1`,
      `prober_probe_duration_seconds_bucket{${labels},le="10"} 1`,
      `prober_probe_duration_seconds_bucket{${labels},le="+Inf"} 2`,
      `prober_probe_duration_seconds_sum{${labels}} 30.007`,
      `prober_probe_duration_seconds_count{${labels}} 2`,
    ]
  ) {
    assert.ok(lines.includes(line), line);
  }
  here.delete("u");
  counts.ran(target("v"), "startup", { result: "unknown", tookMs: 1 });
  assert.equal(counts.metrics()[0]!.samples.length, 1);
});
