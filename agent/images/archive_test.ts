import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { FakeEngine } from "../engine/fake.ts";
import { readImageArchive, readTar } from "../engine/fake_image.ts";
import { imageArchive } from "./archive.ts";
import { ensureInfraImage, infraRef } from "./infra.ts";
import { infraBinary } from "./infra_binaries.ts";
import { tar } from "./tar.ts";

Deno.test("tar() writes what tar reads", async () => {
  const long = `${"d".repeat(90)}/${"e".repeat(60)}/file`;
  const archive = tar([
    { path: "dir", kind: "directory", mode: 0o1777 },
    { path: "dir/file", data: "hello", mode: 0o755, uid: 7, gid: 8 },
    { path: "dir/link", kind: "symlink", target: "file" },
    { path: long, data: new Uint8Array(512) },
  ]);
  const command = new Deno.Command("tar", {
    args: ["-tvf", "-", "--numeric-owner", "--utc"],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = command.stdin.getWriter();
  await writer.write(archive);
  await writer.close();
  const listing = new TextDecoder().decode((await command.output()).stdout).trim().split("\n").map((line) =>
    line.replace(/\s+/g, " ")
  );
  assert.deepEqual(listing, [
    "drwxrwxrwt 0/0 0 1970-01-01 00:00 dir/",
    "-rwxr-xr-x 7/8 5 1970-01-01 00:00 dir/file",
    "lrwxrwxrwx 0/0 0 1970-01-01 00:00 dir/link -> file",
    `-rw-r--r-- 0/0 512 1970-01-01 00:00 ${long}`,
  ]);
  assert.throws(() => tar([{ path: "x".repeat(300) }]), RangeError);
});

Deno.test("imageArchive() makes the same bytes of the same content, and carries its configuration", async () => {
  const content = {
    ref: "localhost/x:1",
    architecture: "amd64",
    files: [{ path: "a", data: "b" }],
    entrypoint: ["/a"],
    env: ["A=1"],
    user: "5",
  };
  const archive = await imageArchive(content);
  assert.deepEqual(archive, await imageArchive(content));
  const image = await readImageArchive(archive);
  assert.deepEqual([image.tags, image.config.entrypoint, image.config.env, image.config.user], [
    ["localhost/x:1"],
    ["/a"],
    ["A=1"],
    "5",
  ]);
  assert.ok(readTar(archive).has("manifest.json"));
});

Deno.test("ensureInfraImage() makes the image once, and pulls one that was named", async () => {
  const engine = new FakeEngine({ clock: new FakeClock() });
  assert.equal(await ensureInfraImage(engine), infraRef);
  assert.equal(await ensureInfraImage(engine), infraRef);
  assert.deepEqual(engine.journal, [`load ${infraRef}`]);
  engine.publish("registry.k8s.io/pause:3.10");
  assert.equal(await ensureInfraImage(engine, "registry.k8s.io/pause:3.10"), "registry.k8s.io/pause:3.10");
});

Deno.test("infraBinary() is a static ELF file for each machine type", () => {
  for (const [architecture, machine] of [["amd64", 62], ["arm64", 183]] as const) {
    const binary = infraBinary(architecture)!;
    const view = new DataView(binary.buffer);
    assert.deepEqual([view.getUint32(0), view.getUint16(18, true)], [0x7f454c46, machine], architecture);
    assert.ok(binary.length < 4096);
  }
  assert.equal(infraBinary("s390x"), undefined);
});
