import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { parseLogQuery } from "./logs.ts";
import { startNode } from "./test_node.ts";

async function answer(path: string, main = ["lines", "5"], clock = new FakeClock()): Promise<[number, string]> {
  const node = await startNode({ main, clock });
  try {
    const response = await node.streams.handle(new Request(`https://node${path}`));
    const text = await response.text();
    return [response.status, response.status === 200 ? text : JSON.parse(text).message];
  } finally {
    await node.stop();
  }
}

Deno.test("GET /containerLogs answers what `kubectl logs` asks for", async () => {
  const cases: [string, string][] = [
    ["", "line 1\nline 2\nline 3\nline 4\nline 5\n"],
    ["?tailLines=2", "line 4\nline 5\n"],
    ["?tailLines=0", ""],
    ["?limitBytes=10", "line 1\nlin"],
    ["?tailLines=1&timestamps=true", "2026-01-01T00:00:00.000Z line 5\n"],
    ["?sinceSeconds=10&tailLines=1", "line 5\n"],
    ["?sinceTime=2026-01-01T00:00:01Z", ""],
    ["?follow=true&tailLines=1", "line 5\n"],
    ["?stream=Stderr", ""],
  ];
  for (const [query, text] of cases) {
    assert.deepEqual(await answer(`/containerLogs/default/web/c${query}`), [200, text], query);
  }
});

Deno.test("GET /containerLogs says what is wrong", async () => {
  const cases: [string, number, string][] = [
    ["/containerLogs/default/gone/c", 404, 'pods "gone" not found'],
    ["/containerLogs/default/web/d", 400, "container d is not valid for pod web"],
    ["/containerLogs/default/web", 404, "no such path: /containerLogs/{namespace}/{pod}/{container} is one"],
    [
      "/containerLogs/default/web/c?tailLines=-1",
      422,
      'PodLogOptions "" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
    ],
    ["/elsewhere", 404, "the server could not find the requested resource"],
    ["/exec/default/web/c", 400, "Upgrade request required"],
  ];
  for (const [path, status, message] of cases) assert.deepEqual(await answer(path), [status, message], path);
});

Deno.test("parseLogQuery() names all that is wrong at once", () => {
  const params = new URLSearchParams("limitBytes=0&sinceSeconds=0&sinceTime=yesterday&stream=Both&tailLines=x");
  assert.throws(() => parseLogQuery(params), (error) => {
    const { message } = error as Error;
    for (const field of ["limitBytes", "sinceSeconds", "sinceTime", "stream", "tailLines"]) {
      assert.match(message, new RegExp(`${field}: `));
    }
    return true;
  });
});

Deno.test("GET /containerLogs with follow ends when its client leaves", async () => {
  const node = await startNode({ main: ["serve"] });
  try {
    const response = await node.streams.handle(new Request("https://node/containerLogs/default/web/c?follow=true"));
    const reader = response.body!.getReader();
    const reading = reader.read();
    await reader.cancel();
    assert.equal((await reading).done, true);
  } finally {
    await node.stop();
  }
});
