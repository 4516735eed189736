import assert from "assert";
import { WebSocket } from "ws";
import { readAll, spdyClient, startNode, type TestNode } from "./test_node.ts";

const encode = (text: string) => new TextEncoder().encode(text);

interface Outcome {
  stdout: string;
  stderr: string;
  error: string;
  code: number;
}

/** Talks like a WebSocket client of `protocol`; `send` are the messages, in order, after the connection stands. */
function webSocketExec(
  node: TestNode,
  path: string,
  protocol: string,
  send: (Uint8Array | string)[] = [],
): Promise<Outcome> {
  const socket = new WebSocket(`ws://127.0.0.1:${node.port}${path}`, protocol === "" ? [] : [protocol]);
  const outputs = ["", "", "", ""];
  return new Promise((resolve, reject) => {
    socket.on("open", () => {
      for (const message of send) socket.send(message);
    });
    socket.on("message", (data: Uint8Array) => {
      const text = new TextDecoder().decode(data);
      if (!protocol.includes("base64")) outputs[data[0]!] += text.slice(1);
      else outputs[Number(text[0])] += atob(text.slice(1));
    });
    socket.on("error", reject);
    socket.on(
      "unexpected-response",
      (_request: unknown, response: AsyncIterable<Uint8Array> & { statusCode: number }) => {
        readAll(response).then(
          (text) => reject(new Error(`${response.statusCode} ${JSON.parse(text).message}`)),
          reject,
        );
      },
    );
    socket.on("close", (code: number) => {
      resolve({ stdout: outputs[1]!, stderr: outputs[2]!, error: outputs[3]!, code });
    });
  });
}

async function withNode(
  options: Parameters<typeof startNode>[0],
  body: (node: TestNode) => Promise<void>,
): Promise<void> {
  const node = await startNode(options);
  try {
    await body(node);
  } finally {
    await node.stop();
  }
}

const exec = (command: string[], flags: string) =>
  `/exec/default/web/c?${command.map((word) => `command=${encodeURIComponent(word)}`).join("&")}&${flags}`;

const success = '{"metadata":{},"status":"Success"}';

Deno.test("exec over WebSocket keeps outputs apart and tells the exit code as a Status", () =>
  withNode({}, async (node) => {
    const path = exec(["say", "to out", "to err", "7"], "output=1&error=1");
    for (const protocol of ["v5.channel.k8s.io", "v4.channel.k8s.io", "v4.base64.channel.k8s.io"]) {
      const { stdout, stderr, error, code } = await webSocketExec(node, path, protocol);
      assert.deepEqual([stdout, stderr, code], ["to out\n", "to err\n", 1000], protocol);
      const status = JSON.parse(error);
      assert.deepEqual([status.status, status.reason], ["Failure", "NonZeroExitCode"]);
      assert.deepEqual(status.details.causes, [{ reason: "ExitCode", message: "7" }]);
    }
    assert.equal((await webSocketExec(node, exec(["say", "x"], "stdout=true"), "v5.channel.k8s.io")).error, success);
  }));

Deno.test("exec over the oldest WebSocket protocols tells failures as text, and success by silence", () =>
  withNode({}, async (node) => {
    for (const protocol of ["channel.k8s.io", "base64.channel.k8s.io", ""]) {
      const failed = await webSocketExec(node, exec(["say", "", "", "3"], "output=1"), protocol);
      assert.match(failed.error, /^command terminated with non-zero exit code: .*exit code 3$/, protocol);
      assert.equal((await webSocketExec(node, exec(["say", "x"], "output=1"), protocol)).error, "", protocol);
    }
  }));

Deno.test("exec over WebSocket passes input, and its end in version 5", () =>
  withNode({}, async (node) => {
    const input = new Uint8Array([0, ...encode("hello")]);
    const path = exec(["cat"], "input=1&output=1");
    const { stdout, error } = await webSocketExec(node, path, "v5.channel.k8s.io", [input, new Uint8Array([255, 0])]);
    assert.deepEqual([stdout, error], ["hello", success]);
  }));

Deno.test("exec with a terminal takes sizes, whatever way they are cut", () =>
  withNode({}, async (node) => {
    const size = (text: string) => new Uint8Array([4, ...encode(text)]);
    const stdin = (text: string) => new Uint8Array([0, ...encode(text)]);
    const send = [size('{"Width":100,"Height":40}'), size('{"Wid'), size('th":1}nonsense'), stdin("x"), stdin("q")];
    const path = exec(["sizes"], "input=1&output=1&error=1&tty=1");
    const { stdout, stderr } = await webSocketExec(node, path, "v4.channel.k8s.io", send);
    assert.deepEqual([stdout, stderr], ["100x40\n", ""]);
  }));

Deno.test("exec over SPDY opens a stream for each channel", () =>
  withNode({}, async (node) => {
    const client = await spdyClient(node.port, exec(["cat"], "input=1&output=1&error=1"), [
      "v4.channel.k8s.io",
      "v3.channel.k8s.io",
    ]);
    assert.equal(client.protocol, "v4.channel.k8s.io");
    const [error, stdin, stdout, stderr] = await Promise.all(
      ["error", "stdin", "stdout", "stderr"].map((streamtype) => client.open({ streamtype })),
    );
    const data = Uint8Array.from({ length: 300_000 }, (_, i) => i % 251);
    const reading = Array.fromAsync(stdout!.input);
    await stdin!.write(data);
    await stdin!.end();
    const back = new Uint8Array(await new Blob((await reading).map((part) => part.slice())).arrayBuffer());
    assert.deepEqual(back, data);
    assert.equal(await readAll(error!.input), success);
    assert.equal(await readAll(stderr!.input), "");
    await client.ended;
  }));

Deno.test("exec over SPDY refuses protocols and streams that it does not know", () =>
  withNode({}, async (node) => {
    const path = exec(["say", "x"], "output=1");
    await assert.rejects(
      spdyClient(node.port, path, ["v9.channel.k8s.io"]),
      /403 unable to upgrade: unable to negotiate protocol: client supports \[v9/,
    );
    const client = await spdyClient(node.port, path, ["v4.channel.k8s.io"]);
    const strange = await client.open({ streamtype: "strange" });
    await strange.closed;
    const error = await client.open({ streamtype: "error" });
    await client.open({ streamtype: "stdout" });
    assert.equal(await readAll(error.input), success);
    await client.ended;
  }));

Deno.test("exec of a client that leaves closes the session and keeps the container", () =>
  withNode({}, async (node) => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}${exec(["cat"], "input=1&output=1")}`, [
      "v5.channel.k8s.io",
    ]);
    await new Promise((resolve) => socket.on("open", resolve));
    socket.send(new Uint8Array([0, 120]));
    await new Promise((resolve) => socket.on("message", resolve));
    socket.terminate();
    await new Promise((resolve) => socket.on("close", resolve));
    assert.equal((await node.engine.inspect(node.containerId))?.status, "running");
  }));

Deno.test("attach joins the container's own process and ends with it", () =>
  withNode({ main: ["cat"] }, async (node) => {
    const input = new Uint8Array([0, ...encode("to the container")]);
    const outcome = await webSocketExec(node, "/attach/default/web/c?input=1&output=1", "v5.channel.k8s.io", [
      input,
      new Uint8Array([255, 0]),
    ]);
    assert.deepEqual([outcome.stdout, outcome.error], ["to the container", success]);
    assert.equal((await node.engine.inspect(node.containerId))?.status, "exited");
  }));

Deno.test("attach leaves the input open that other clients will use, and shows the output after its own has ended", () =>
  withNode({ main: ["cat"], stdinOnce: false }, async (node) => {
    const socket = new WebSocket(`ws://127.0.0.1:${node.port}/attach/default/web/c?input=1&output=1`, [
      "v5.channel.k8s.io",
    ]);
    let text = "";
    const shown = new Promise<void>((resolve, reject) => {
      socket.on("message", (data: Uint8Array) => {
        text += new TextDecoder().decode(data.subarray(1));
        if (text === "hello") resolve();
      });
      socket.on("close", () => reject(new Error("the server ended it")));
    });
    await new Promise((resolve) => socket.on("open", resolve));
    socket.send(new Uint8Array([0, ...encode("hello")]));
    socket.send(new Uint8Array([255, 0]));
    await shown;
    assert.equal((await node.engine.inspect(node.containerId))?.status, "running");
    socket.terminate();
    await new Promise((resolve) => socket.on("close", resolve));
  }));

Deno.test("upgrades that can't be are refused with a Status", () =>
  withNode({}, async (node) => {
    const cases: [string, RegExp][] = [
      ["/exec/default/gone/c?command=x&output=1", /^404 pods "gone" not found$/],
      ["/exec/default/web/d?command=x&output=1", /^400 container d is not valid for pod web$/],
      ["/exec/default/web/c?command=x", /^400 you must specify at least 1 of stdin, stdout, stderr$/],
      ["/exec/default/web/c?output=1", /^400 you must specify a command$/],
      ["/exec/default", /^404 /],
    ];
    for (const [path, wanted] of cases) {
      await assert.rejects(spdyClient(node.port, path, ["v4.channel.k8s.io"]), (e) =>
        wanted.test((e as Error).message), path);
      await assert.rejects(webSocketExec(node, path, "v5.channel.k8s.io"), (e) =>
        wanted.test((e as Error).message), path);
    }
    node.engine.fail("exec", "not_running", "it is exited");
    const { error } = await webSocketExec(node, exec(["say"], "output=1"), "v5.channel.k8s.io");
    assert.equal(
      JSON.parse(error).message,
      "Internal error occurred: error executing command in container: it is exited",
    );
  }));
