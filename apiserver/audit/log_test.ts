import assert from "assert";
import { auditBufferCharactersMax } from "../../lib/limits.ts";
import { RotatedFile } from "../../lib/seams/rotated_file.ts";
import { AuditLog, type LineSink } from "./log.ts";

/** Writes when it is told to. */
class SlowSink implements LineSink {
  text = "";
  writes = 0;
  fail = false;
  #gates: (() => void)[] = [];

  async write(bytes: Uint8Array): Promise<void> {
    this.writes++;
    await new Promise<void>((resolve) => this.#gates.push(resolve));
    if (this.fail) throw new Error("no space left on device");
    this.text += new TextDecoder().decode(bytes);
  }

  open(): void {
    this.#gates.splice(0).forEach((resolve) => resolve());
  }

  close = () => Promise.resolve();
}

const turn = () => new Promise((resolve) => setTimeout(resolve, 0));

Deno.test("AuditLog.write() writes in order, many lines at a time", async () => {
  const sink = new SlowSink();
  const log = new AuditLog(sink);
  assert.equal(log.write("1\n"), undefined);
  await turn();
  for (let i = 2; i <= 100; i++) log.write(`${i}\n`);
  sink.open();
  await turn();
  sink.open();
  await log.close();
  assert.equal(sink.text, Array.from({ length: 100 }, (_, i) => `${i + 1}\n`).join(""));
  assert.equal(sink.writes, 2);
  assert.equal(log.events, 100);
});

Deno.test("AuditLog.write() lets who writes wait when the buffer is full, and loses nothing", async () => {
  const sink = new SlowSink();
  const log = new AuditLog(sink);
  log.write("first\n");
  await turn();
  const big = "x".repeat(auditBufferCharactersMax) + "\n";
  const waiting = log.write(big);
  assert.ok(waiting instanceof Promise);
  let over = false;
  void waiting.then(() => over = true);
  sink.open();
  await turn();
  assert.equal(over, false, "not written yet");
  sink.open();
  await waiting;
  assert.equal(sink.text.length, big.length + 6);
});

Deno.test("AuditLog.write() counts what can't be written, and goes on", async () => {
  const sink = new SlowSink();
  sink.fail = true;
  const log = new AuditLog(sink);
  log.write("lost\n");
  log.write("lost, too\n");
  await turn();
  sink.open();
  await turn();
  assert.equal(log.errors, 2);
  sink.fail = false;
  log.write("kept\n");
  await turn();
  sink.open();
  await log.close();
  assert.equal(sink.text, "kept\n");
});

Deno.test("RotatedFile puts aside what has grown, and keeps as many as it should", async () => {
  const dir = await Deno.makeTempDir();
  try {
    let now = Date.UTC(2026, 0, 1);
    const path = `${dir}/logs/audit.log`;
    const file = new RotatedFile(path, { bytesMax: 10, filesMax: 2, ageMsMax: 10_000 }, () => now);
    await file.open();
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    const names = async () => {
      const found: string[] = [];
      for await (const { name } of Deno.readDir(`${dir}/logs`)) found.push(name);
      return found.sort();
    };
    for (const line of ["one 1\n", "two 2\n", "three\n", "four 4\n"]) {
      await file.write(new TextEncoder().encode(line));
      now += 1000;
    }
    assert.deepEqual(await names(), [
      "audit-2026-01-01T00-00-02.000.log",
      "audit-2026-01-01T00-00-03.000.log",
      "audit.log",
    ]);
    assert.equal(await Deno.readTextFile(path), "four 4\n");
    assert.equal(await Deno.readTextFile(`${dir}/logs/audit-2026-01-01T00-00-03.000.log`), "three\n");
    now += 20_000;
    await file.write(new TextEncoder().encode("five 5\n"));
    assert.equal((await names()).length, 2, "those that are too old are gone");
    await file.close();
    const again = new RotatedFile(path, { bytesMax: 10, filesMax: 2, ageMsMax: 0 }, () => now);
    await again.write(new TextEncoder().encode("+"));
    await again.close();
    assert.equal(await Deno.readTextFile(path), "five 5\n+", "what is there is added to");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
