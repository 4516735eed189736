/** The driver's pure parts, and what it says when there is no engine. */
import assert from "assert";
import { FakeClock, systemClock } from "../../lib/seams/clock.ts";
import { type Processes, systemProcesses } from "../../lib/seams/process.ts";
import { answerError, pullErrorCode } from "./answer_error.ts";
import { eventOf, imageSummaryOf, type InspectAnswer, stateOf } from "./answers.ts";
import { createBody } from "./create_body.ts";
import { demux, jsonLines } from "./demux.ts";
import { dockerQuirks } from "./docker.ts";
import { isEngineError } from "./error.ts";
import { findEngine, podmanServiceCommand, socketCandidates } from "./find.ts";
import { SocketHttp } from "./http.ts";
import { oomKilled, podmanQuirks, podmanUlimits } from "./podman.ts";
import { limitsOf, parseCgroups, statsOf } from "./stats.ts";

const noProcesses: Processes = {
  run: () => Promise.reject(new Error("no program is expected to run")),
  spawn: () => assert.fail("no program is expected to run"),
};

async function* pieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

Deno.test("demux() takes frames apart, however they are cut", async () => {
  const frame = (
    stream: number,
    text: string,
  ) => [stream, 0, 0, 0, 0, 0, 0, text.length, ...new TextEncoder().encode(text)];
  const bytes = new Uint8Array([...frame(1, "out"), ...frame(2, "error"), ...frame(1, ""), ...frame(1, "more")]);
  for (let size = 1; size <= bytes.length; size++) {
    const texts = { stdout: "", stderr: "" };
    for await (const { stream, data } of demux(pieces(bytes, size))) texts[stream] += new TextDecoder().decode(data);
    assert.deepEqual(texts, { stdout: "outmore", stderr: "error" }, `pieces of ${size}`);
  }
});

Deno.test("jsonLines() reads values, however they are cut", async () => {
  const bytes = new TextEncoder().encode('{"a":1}\r\n\n{"b":"ü"}');
  for (let size = 1; size <= bytes.length; size++) {
    assert.deepEqual(await Array.fromAsync(jsonLines(pieces(bytes, size))), [{ a: 1 }, { b: "ü" }]);
  }
});

Deno.test("pullErrorCode() knows what engines and registries say", () => {
  const cases: [string, string][] = [
    ['Get "https://registry-1.docker.io/v2/": dial tcp: lookup registry-1.docker.io: no such host', "unreachable"],
    [
      'Get "https://r/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)',
      "unreachable",
    ],
    [
      "initializing source docker://r:5000/a: pinging container registry r:5000: connect: connection refused",
      "unreachable",
    ],
    ["received unexpected HTTP status: 503 Service Unavailable", "unreachable"],
    ["toomanyrequests: You have reached your pull rate limit", "unreachable"],
    [
      "pull access denied for a, repository does not exist or may require 'docker login': denied: requested access to the resource is denied",
      "denied",
    ],
    ["reading manifest latest in docker.io/library/a: errors: unauthorized: authentication required", "denied"],
    ["manifest for nginx:none not found: manifest unknown: manifest unknown", "no_image"],
    ["reading manifest none in docker.io/library/nginx: manifest unknown", "no_image"],
    ["no matching manifest for linux/arm64/v8 in the manifest list entries", "no_image"],
    ["x509: certificate signed by unknown authority", "engine"],
    ["write /var/lib/docker/tmp/x: no space left on device", "engine"],
  ];
  for (const [message, code] of cases) assert.equal(pullErrorCode(message), code, message);
});

Deno.test("answerError() gives a code by operation, status and words", () => {
  const cases: [string, number, string, string][] = [
    ["create", 404, "No such image: a:1", "no_image"],
    ["create", 404, "No such container: b", "not_found"],
    ["create", 409, "Conflict. The container name is already in use", "exists"],
    ["create", 400, "invalid CapAdd", "invalid"],
    ["start", 500, "driver failed programming external connectivity", "start_failed"],
    ["exec", 409, "Container x is not running", "not_running"],
    ["remove", 409, "You cannot remove a running container", "conflict"],
    ["image remove", 409, "conflict: unable to remove repository reference", "conflict"],
    ["info", 500, "", "engine"],
  ];
  for (const [operation, status, message, code] of cases) {
    const error = answerError({ operation, subject: "x" }, { status, text: JSON.stringify({ message }) }, dockerQuirks);
    assert.equal(error.code, code, `${operation} ${status} ${message}`);
  }
  assert.equal(
    answerError({ operation: "info", subject: "" }, { status: 502, text: "plain" }, dockerQuirks).message,
    "info: plain",
  );
});

const inspected: InspectAnswer = {
  Id: "a".repeat(64),
  Name: "/web",
  Created: "2026-01-01T00:00:00.5Z",
  Image: "b".repeat(64),
  State: {
    Status: "created",
    Pid: 0,
    ExitCode: 0,
    OOMKilled: false,
    Error: "",
    StartedAt: "2026-01-01T00:00:01Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  },
  Config: { Image: "a:1", Labels: null, Tty: false, OpenStdin: false },
  Mounts: null,
};

Deno.test("Podman's `created` container that had been started is one that was lost in a power cut", async () => {
  const quirks = podmanQuirks({ processes: noProcesses });
  const lost = await quirks.state(stateOf(inspected));
  assert.deepEqual([lost.status, lost.exitCode, lost.lost, lost.finishedMs], ["exited", 255, true, undefined]);
  const never = { ...inspected, State: { ...inspected.State, StartedAt: "0001-01-01T00:00:00Z" } };
  const created = await quirks.state(stateOf(never));
  assert.deepEqual([created.status, created.lost, created.startedMs], ["created", false, undefined]);
});

Deno.test("Podman's container that ended with 137 is looked up in the kernel's log, once", async () => {
  const id = inspected.Id;
  const line =
    `6,1,2,-;oom-kill:constraint=CONSTRAINT_MEMCG,oom_memcg=/libpod_parent/libpod-${id},task=tail,pid=7,uid=0`;
  const commands: string[] = [];
  const processes = (stdout: string): Processes => ({
    ...noProcesses,
    run: async (command) => {
      commands.push(command.join(" "));
      return { code: 0, stdout, stderr: "" };
    },
  });
  const exited = stateOf({ ...inspected, State: { ...inspected.State, Status: "exited", ExitCode: 137 } });
  const quirks = podmanQuirks({ processes: processes(`noise\n${line}\n`) });
  assert.equal((await quirks.state(exited)).oomKilled, true);
  assert.equal((await quirks.state(exited)).oomKilled, true);
  assert.deepEqual(commands, ["dmesg --raw"]);
  assert.equal((await podmanQuirks({ processes: processes("") }).state(exited)).oomKilled, false);
  assert.equal(oomKilled(line, "c".repeat(64)), false);
});

Deno.test("podmanUlimits() names limits only where the service can't raise its own", () => {
  const limits =
    "Limit  Soft Limit  Hard Limit  Units\nMax processes             96365                96365                processes\n" +
    "Max open files            1024                20000                files\n";
  assert.deepEqual(podmanUlimits(limits, "CapEff:\t000001fffeffffff\n"), [
    { name: "nofile", soft: 20_000, hard: 20_000 },
    { name: "nproc", soft: 32_768, hard: 32_768 },
  ]);
  assert.equal(podmanUlimits(limits, "CapEff:\t000001ffffffffff\n"), undefined);
});

Deno.test("createBody() says nothing of what the spec leaves out", () => {
  const body = createBody({
    name: "x",
    image: "a:1",
    networkMode: "none",
    args: [],
    env: ["A=1"],
    resources: { memoryBytes: 64 },
  });
  assert.deepEqual(body, {
    Image: "a:1",
    Tty: false,
    OpenStdin: false,
    StdinOnce: false,
    AttachStdin: false,
    AttachStdout: false,
    AttachStderr: false,
    Env: ["A=1"],
    HostConfig: {
      NetworkMode: "none",
      Privileged: false,
      ReadonlyRootfs: false,
      RestartPolicy: { Name: "no" },
      Memory: 64,
      MemorySwap: 64,
    },
  });
});

Deno.test("eventOf() and imageSummaryOf() use one vocabulary for both engines", () => {
  const podman = podmanQuirks({ processes: noProcesses });
  const died = {
    Type: "container",
    Action: "died",
    timeNano: 1_500_000_000,
    Actor: { ID: "x", Attributes: { containerExitCode: "3", app: "web", image: "i" } },
  };
  assert.deepEqual(eventOf(died, podman), {
    id: "x",
    action: "die",
    timeMs: 1500,
    exitCode: 3,
    labels: { app: "web" },
  });
  const destroy = { Type: "container", Action: "destroy", time: 2, Actor: { ID: "x", Attributes: null } };
  assert.deepEqual(eventOf(destroy, dockerQuirks), { id: "x", action: "remove", timeMs: 2000, labels: {} });
  assert.equal(eventOf({ Type: "container", Action: "exec_create: ls", Actor: { ID: "x" } }, dockerQuirks), undefined);
  assert.equal(eventOf({ Type: "image", Action: "create", Actor: { ID: "x" } }, dockerQuirks), undefined);
  const image = { Id: "1", RepoTags: ["busybox:1", "<none>:<none>"], RepoDigests: null, Size: 5, Created: 7 };
  assert.deepEqual(imageSummaryOf(image), {
    id: "sha256:1",
    tags: ["docker.io/library/busybox:1"],
    digests: [],
    sizeBytes: 5,
    createdMs: 7000,
  });
});

Deno.test("statsOf() and parseCgroups() read what there is", () => {
  const answer = {
    read: "1970-01-01T00:00:01Z",
    cpu_stats: { cpu_usage: { total_usage: 5 } },
    memory_stats: { usage: 100, stats: { inactive_file: 30, anon: 20 } },
    pids_stats: { current: 2 },
  };
  assert.deepEqual(statsOf(answer, 0), {
    timeMs: 1000,
    cpuNanos: 5,
    memoryUsageBytes: 100,
    memoryWorkingSetBytes: 70,
    memoryRssBytes: 20,
    pids: 2,
  });
  assert.equal(statsOf({ memory_stats: { usage: 9 } }, 7).memoryWorkingSetBytes, 9);
  assert.deepEqual([...parseCgroups("4:memory:/a\n2:cpu,cpuacct:/b\n0::/c:d\n")], [["memory", "/a"], ["cpu", "/b"], [
    "cpuacct",
    "/b",
  ], ["", "/c:d"]]);
});

Deno.test("socketCandidates() puts what was asked for first", () => {
  assert.deepEqual(socketCandidates({ socket: "unix:///a.sock", dockerHost: "unix:///b.sock" }), ["/a.sock"]);
  assert.deepEqual(socketCandidates({ dockerHost: "unix:///b.sock", ownSocket: "/own", usual: ["/c", "/b.sock"] }), [
    "/b.sock",
    "/c",
    "/own",
  ]);
  for (const socket of ["tcp://1.2.3.4:2375", `/${"x".repeat(120)}`]) {
    assert.throws(() => socketCandidates({ socket }), (e) => isEngineError(e, "invalid"), socket);
  }
});

Deno.test("findEngine() names everything that it has tried", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.writeTextFile(`${directory}/file`, "");
  try {
    const usual = [`${directory}/none`, `${directory}/file`];
    await assert.rejects(findEngine({ clock: systemClock, processes: systemProcesses, usual }), (error) => {
      assert.ok(isEngineError(error, "unavailable"));
      for (const path of usual) assert.ok(error.message.includes(path), error.message);
      assert.match(error.message, /--engine/);
      return true;
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("findEngine() waits for an engine that is there and slow, when no other one answers", async () => {
  const directory = await Deno.makeTempDir();
  const path = `${directory}/slow.sock`;
  const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const answer = Promise.withResolvers<Response>();
  const silence = Promise.withResolvers<Response>();
  let requests = 0;
  const server = Deno.serve({ path, onListen() {} }, () => {
    asked[requests++]!.resolve();
    return requests === 1 ? silence.promise : answer.promise;
  });
  const clock = new FakeClock();
  try {
    const found = findEngine({ clock, processes: systemProcesses, usual: [`${directory}/none`, path] });
    await asked[0]!.promise;
    await clock.advance(5_000);
    await asked[1]!.promise;
    await clock.advance(30_000);
    answer.resolve(Response.json({ Version: "20.10.24", ApiVersion: "1.41", MinAPIVersion: "1.12", Components: [] }));
    const { engine, socketPath } = await found;
    assert.deepEqual([engine.name, socketPath], ["docker", path]);
    engine.close();
  } finally {
    silence.resolve(new Response());
    await server.shutdown();
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("podmanServiceCommand() writes a configuration of its own, and leaves storage alone unless told", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const shared = await podmanServiceCommand("/s.sock", { config: `${directory}/a`, run: `${directory}/run` });
    assert.deepEqual(shared.command, ["podman", "system", "service", "--time", "0", "unix:///s.sock"]);
    assert.deepEqual(Object.keys(shared.env), ["CONTAINERS_CONF"]);
    assert.match(await Deno.readTextFile(shared.env.CONTAINERS_CONF!), /exit_command_delay = 1/);
    const own = await podmanServiceCommand("/s.sock", {
      config: `${directory}/b`,
      run: `${directory}/run`,
      storage: `${directory}/images`,
    });
    assert.match(
      await Deno.readTextFile(own.env.CONTAINERS_STORAGE_CONF!),
      new RegExp(`graphroot = "${directory}/images"`),
    );
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("SocketHttp gives up on an engine that does not answer", async () => {
  const path = `${await Deno.makeTempDir()}/silent.sock`;
  const listener = Deno.listen({ transport: "unix", path });
  const accepted: Deno.Conn[] = [];
  const accepting = (async () => {
    for await (const conn of listener) accepted.push(conn);
  })();
  const clock = new FakeClock();
  const http = new SocketHttp(path, clock);
  const call = { method: "GET", path: "/x", operation: "inspect", subject: "web" } as const;
  const answer = http.request(call, 1_000);
  const stream = http.stream(call, 1_000);
  await clock.advance(1_000);
  await assert.rejects(
    answer,
    (e) => isEngineError(e, "timeout") && /^inspect web: no answer within 1 s/.test(e.message),
  );
  await assert.rejects(stream, (e) => isEngineError(e, "timeout"));
  http.close();
  listener.close();
  await accepting;
  for (const conn of accepted) conn.close();
});

Deno.test("limitsOf() knows how control groups of both versions say that there is no limit", () => {
  type Files = Parameters<typeof limitsOf>[0];
  const table: [Files, ReturnType<typeof limitsOf>][] = [
    [{ limit: "9223372036854771712\n", quota: "-1\n", period: "100000\n", cpuShares: 1024 }, { cpuShares: 1024 }],
    [{ limit: "max\n", quota: "max", period: "100000", cpuShares: 2 }, { cpuShares: 2 }],
    [{ limit: "67108864\n", quota: "150000\n", period: "100000\n", cpuShares: NaN }, {
      memoryBytes: 67_108_864,
      nanoCpus: 1_500_000_000,
    }],
    [{ limit: undefined, quota: undefined, period: undefined, cpuShares: NaN }, {}],
  ];
  for (const [files, limits] of table) assert.deepEqual(limitsOf(files), limits, JSON.stringify(files));
});

Deno.test("engines are told only what is to change, each in its own words", () => {
  const podman = podmanQuirks({ processes: noProcesses });
  assert.deepEqual(podman.update("a", { memoryBytes: 5 }), {
    path: "/v4.0.0/libpod/containers/a/update",
    json: { memory: { limit: 5, swap: 5 } },
  });
  assert.deepEqual(podman.update("a", { cpuShares: 7, nanoCpus: 250_000_000 }).json, {
    cpu: { shares: 7, quota: 25_000, period: 100_000 },
  });
  assert.deepEqual(dockerQuirks.update("a", { memoryBytes: 5 }), {
    path: "/containers/a/update",
    json: { Memory: 5, MemorySwap: 5 },
  });
  assert.deepEqual(dockerQuirks.update("a", { cpuShares: 7 }).json, { CpuShares: 7 });
});
