import assert from "assert";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createFetcher } from "./https.ts";

/** A server that says `first` and then nothing more; an empty text: nothing at all. */
async function silent(first: string): Promise<{ url: string; close(): void }> {
  const server = createServer((_, response) => void (first !== "" && response.write(first)));
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

Deno.test("createFetcher() gives up a server that answers nothing", async () => {
  const server = await silent("");
  const fetcher = createFetcher({}, { silenceMs: 50 });
  await assert.rejects(
    fetcher(new Request(server.url)),
    /GET http:\/\/127\.0\.0\.1:\d+: nothing was heard for 0\.05 s/,
  );
  fetcher.close();
  server.close();
});

Deno.test("createFetcher() gives up a server that falls silent in the middle of an answer", async () => {
  const server = await silent("half");
  const fetcher = createFetcher({}, { silenceMs: 50 });
  const response = await fetcher(new Request(server.url));
  await assert.rejects(response.text(), Error);
  fetcher.close();
  server.close();
});

Deno.test("createFetcher() without a limit waits until it is closed, and then fails what is open", async () => {
  const server = await silent("half");
  const fetcher = createFetcher();
  const response = await fetcher(new Request(server.url));
  const reader = response.body!.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "half");
  const next = reader.read();
  fetcher.close();
  await assert.rejects(next, Error);
  server.close();
});

Deno.test("createFetcher() keeps a connection on which something comes now and then, one that is used again, too", async () => {
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    if (asked < 3) return void response.end("short");
    let left = 12;
    const say = () => left-- > 0 ? response.write("x", () => setTimeout(say, 20)) : response.end();
    say();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const fetcher = createFetcher({}, { silenceMs: 120 });
  for (let i = 0; i < 2; i++) assert.equal(await (await fetcher(new Request(url))).text(), "short");
  assert.equal(await (await fetcher(new Request(url))).text(), "x".repeat(12));
  fetcher.close();
  server.close();
});
