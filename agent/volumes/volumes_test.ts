/** Volumes' files: what is in them, how they change, and that nothing leads out of them. */
import assert from "assert";
import { systemProcesses } from "../../lib/seams/process.ts";
import type { ConfigMap, Pod, PodSpec, Secret, Volume } from "../../lib/types/core_v1.ts";
import { writePayload } from "./atomic_writer.ts";
import { prepareHostPath } from "./host_path.ts";
import { createMounts, mountOf, parseMountinfo, placeOf } from "./mounts.ts";
import {
  type PayloadFile,
  payloadOf,
  type PayloadSources,
  tokenProjections,
  VolumeError,
  volumeReferences,
} from "./payload.ts";
import { mountSubPath } from "./sub_path.ts";

const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "p",
    namespace: "ns",
    uid: "u",
    labels: { b: "2", a: '1"' },
    resourceVersion: "1",
    creationTimestamp: "",
  },
  spec: { containers: [{ name: "app", resources: { limits: { cpu: "2" } } }], ...spec },
  status: {},
});

const sources: PayloadSources = {
  configMap: (name) =>
    name === "c"
      ? { state: "found", object: { data: { a: "1" }, binaryData: { b: btoa("\x00\xff") } } as unknown as ConfigMap }
      : { state: name === "slow" ? "unknown" : "missing" },
  secret: (name) =>
    name === "s" ? { state: "found", object: { data: { k: btoa("x") } } as unknown as Secret } : { state: "missing" },
  token: ({ audience }) => audience === "away" ? undefined : "jwt",
  around: { hostIPs: [], podIPs: [], allocatable: {} },
};

const text = new TextDecoder();
const shown = (files: ReadonlyMap<string, PayloadFile>) =>
  Object.fromEntries([...files].map(([path, { data, mode }]) => [path, `${text.decode(data)} ${mode.toString(8)}`]));

function check(
  name: string,
  volume: Omit<Volume, "name">,
  expected: Record<string, string>,
  spec: Partial<PodSpec> = {},
): void {
  Deno.test(`payloadOf() ${name}`, () => {
    assert.deepEqual(shown(payloadOf(pod(spec), { name: "v", ...volume }, sources)!), expected);
  });
}

check("has a file for each key of a configmap", { configMap: { name: "c" } }, { a: "1 644", b: "\x00\ufffd 644" });
check("takes only the items, where they are wanted", {
  configMap: {
    name: "c",
    defaultMode: 0o600,
    items: [{ key: "a", path: "x/y" }, { key: "a", path: "z", mode: 0o400 }],
  },
}, { "x/y": "1 600", z: "1 400" });
check("is empty for an optional configmap that is not there", { configMap: { name: "no", optional: true } }, {});
check("has a secret's bytes", { secret: { secretName: "s", defaultMode: 0o400 } }, { k: "x 400" });
check("writes labels as a file", {
  downwardAPI: {
    items: [
      { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
      { path: "cpu", resourceFieldRef: { containerName: "app", resource: "limits.cpu" } },
    ],
  },
}, { labels: 'a="1\\""\nb="2" 644', cpu: "2 644" });
check("projects several sources into one directory", {
  projected: {
    defaultMode: 0o440,
    sources: [
      { configMap: { name: "c", items: [{ key: "a", path: "conf/a" }] } },
      { secret: { name: "s" } },
      { serviceAccountToken: { path: "token" } },
      { downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
    ],
  },
}, { "conf/a": "1 440", k: "x 440", token: "jwt 440", name: "p 440" });
check(
  "shows a token to the pod's group only, when it has one",
  {
    projected: { sources: [{ serviceAccountToken: { path: "token" } }] },
  },
  { token: "jwt 600" },
  { securityContext: { fsGroup: 5 } },
);
check("starts without a token while nobody can give one", {
  projected: { sources: [{ serviceAccountToken: { path: "token", audience: "away" } }] },
}, {});

for (
  const [volume, message] of [
    [{ configMap: { name: "no" } }, 'configmap "no" not found'],
    [{ configMap: { name: "slow" } }, "failed to sync configmap cache: timed out waiting for the condition"],
    [
      { configMap: { name: "c", items: [{ key: "no", path: "x" }] } },
      "configmap references non-existent config key: no",
    ],
    [{ secret: { secretName: "s", items: [{ key: "no", path: "x" }] } }, "references non-existent secret key: no"],
    [
      { configMap: { name: "c", items: [{ key: "a", path: "../x" }] } },
      "invalid path: must be relative and contain no '..': ../x",
    ],
    [
      { projected: { sources: [{ clusterTrustBundle: { path: "x" } }] } },
      "projection clusterTrustBundle is not supported by this agent",
    ],
  ] as const
) {
  Deno.test(`payloadOf() refuses: ${message}`, () => {
    assert.throws(
      () => payloadOf(pod(), { name: "v", ...volume } as unknown as Volume, sources),
      (error) => error instanceof VolumeError && error.message === message,
    );
  });
}

Deno.test("volumeReferences() names what must be watched", () => {
  const volumes: Volume[] = [
    { name: "a", configMap: { name: "c" } },
    { name: "b", projected: { sources: [{ secret: { name: "s" } }, { serviceAccountToken: { path: "t" } }] } },
    { name: "d", secret: { secretName: "s" } },
  ];
  assert.deepEqual(volumeReferences(pod({ volumes })), { configMaps: ["c"], secrets: ["s"] });
  assert.equal(tokenProjections(pod({ volumes })).length, 1);
});

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await run(await Deno.realPath(directory));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const files = (entries: Record<string, string>) =>
  new Map(Object.entries(entries).map(([path, data]) => [path, { data: new TextEncoder().encode(data), mode: 0o644 }]));

async function tree(directory: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name } of Deno.readDir(directory)) {
    if (name.startsWith("..")) continue;
    const { isDirectory } = await Deno.stat(`${directory}/${name}`);
    if (!isDirectory) found[name] = await Deno.readTextFile(`${directory}/${name}`);
    else for (const [path, data] of Object.entries(await tree(`${directory}/${name}`))) found[`${name}/${path}`] = data;
  }
  return found;
}

Deno.test("writePayload() changes all files at once, and only when they differ", () =>
  inDirectory(async (directory) => {
    const write = (entries: Record<string, string>, version: string) =>
      writePayload(directory, files(entries), { version });
    assert.equal(await write({ a: "1", "d/b": "2" }, "..2026_1"), true);
    assert.deepEqual(await tree(directory), { a: "1", "d/b": "2" });
    const open = await Deno.open(`${directory}/a`);
    assert.equal(await write({ a: "1", "d/b": "2" }, "..2026_2"), false);
    assert.equal(await write({ a: "3", c: "4" }, "..2026_3"), true);
    assert.deepEqual(await tree(directory), { a: "3", c: "4" });
    assert.equal(await Deno.readLink(`${directory}/a`), "..data/a");
    assert.deepEqual([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["..2026_3", "..data", "a", "c"]);
    const buffer = new Uint8Array(1);
    await open.read(buffer);
    open.close();
    assert.equal(text.decode(buffer), "1");
  }));

Deno.test("writePayload() writes anew what a crash left half written", () =>
  inDirectory(async (directory) => {
    await writePayload(directory, files({ a: "1", b: "2" }), { version: "..2026_1" });
    await Deno.remove(`${directory}/..2026_1/b`);
    assert.equal(await writePayload(directory, files({ a: "1", b: "2" }), { version: "..2026_2" }), true);
    assert.deepEqual(await tree(directory), { a: "1", b: "2" });
  }));

for (
  const [type, made, ok] of [
    ["", "nothing", true],
    ["DirectoryOrCreate", "nothing", true],
    ["FileOrCreate", "nothing", true],
    ["Directory", "nothing", false],
    ["File", "nothing", false],
    ["Directory", "directory", true],
    ["DirectoryOrCreate", "file", false],
    ["File", "file", true],
    ["FileOrCreate", "directory", false],
    ["Socket", "file", false],
    ["CharDevice", "file", false],
    ["BlockDevice", "directory", false],
    ["Socket", "socket", true],
  ] as const
) {
  Deno.test(`prepareHostPath() with type ${JSON.stringify(type)} and ${made}: ${ok ? "goes on" : "refuses"}`, () =>
    inDirectory(async (directory) => {
      const path = `${directory}/x`;
      let socket: Deno.Listener | undefined;
      if (made === "directory") await Deno.mkdir(path);
      if (made === "file") await Deno.writeTextFile(path, "");
      if (made === "socket") socket = Deno.listen({ transport: "unix", path });
      try {
        if (ok) await prepareHostPath({ path, type });
        else await assert.rejects(prepareHostPath({ path, type }), /^VolumeError: hostPath type check failed/);
      } finally {
        socket?.close();
      }
    }));
}

const mountinfo = [
  "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
  "23 22 0:21 / /run rw - tmpfs tmpfs rw",
  "24 22 8:1 /srv/data /mnt/a\\040b rw - ext4 /dev/sda1 rw",
].join("\n");

Deno.test("parseMountinfo() and placeOf() tell where a path really is", () => {
  const mounts = parseMountinfo(mountinfo);
  assert.deepEqual(mounts[2], { target: "/mnt/a b", root: "/srv/data", device: "8:1", type: "ext4" });
  assert.equal(mountOf(mounts, "/run/x")?.target, "/run");
  assert.equal(mountOf(mounts, "/running")?.target, "/");
  assert.deepEqual(placeOf(mounts, "/mnt/a b/c"), { device: "8:1", path: "/srv/data/c" });
  assert.deepEqual(placeOf(mounts, "/run"), { device: "0:21", path: "/" });
  assert.deepEqual(placeOf(mounts, "/"), { device: "8:1", path: "/" });
});

/** May this process mount? A container's root may not. */
const cannotMount = await (async () => {
  if (Deno.uid() !== 0) return "needs root";
  const { code } = await systemProcesses.run(["unshare", "--mount", "true"]);
  return code === 0 ? undefined : "may not mount";
})();

function mountTest(name: string, run: (volume: string, target: string) => Promise<void>): void {
  Deno.test({
    name: `mountSubPath() ${name}${cannotMount === undefined ? "" : ` (skipped: ${cannotMount})`}`,
    ignore: cannotMount !== undefined,
    fn: () =>
      inDirectory(async (directory) => {
        await Deno.mkdir(`${directory}/volume`);
        await Deno.mkdir(`${directory}/outside`);
        await Deno.writeTextFile(`${directory}/outside/secret`, "s");
        try {
          await run(`${directory}/volume`, `${directory}/mounts/app/0`);
        } finally {
          await createMounts(systemProcesses).unmountBelow(directory);
        }
      }),
  });
}
const mounts = createMounts(systemProcesses);

mountTest("mounts a directory, made with its parent's rights", async (volume, target) => {
  await Deno.chmod(volume, 0o777);
  await mountSubPath(mounts, { volume, subPath: "a/b", target });
  await Deno.writeTextFile(`${target}/f`, "x");
  assert.equal(await Deno.readTextFile(`${volume}/a/b/f`), "x");
  assert.equal((await Deno.stat(`${volume}/a`)).mode! & 0o777, 0o777);
});
mountTest("mounts a file", async (volume, target) => {
  await Deno.writeTextFile(`${volume}/f`, "x");
  await mountSubPath(mounts, { volume, subPath: "f", target });
  assert.equal(await Deno.readTextFile(target), "x");
});
mountTest("follows links inside of the volume", async (volume, target) => {
  await Deno.mkdir(`${volume}/real`);
  await Deno.symlink("real", `${volume}/link`);
  await mountSubPath(mounts, { volume, subPath: "link/sub", target });
  assert.ok((await Deno.stat(`${volume}/real/sub`)).isDirectory);
});
mountTest("refuses a link that leads out", async (volume, target) => {
  await Deno.symlink("../outside", `${volume}/link`);
  await assert.rejects(mountSubPath(mounts, { volume, subPath: "link", target }), /leads out of its volume/);
  await assert.rejects(mountSubPath(mounts, { volume, subPath: "link/new", target }), /leads out of its volume/);
});
mountTest("refuses to climb", async (volume, target) => {
  for (const subPath of ["../outside", "a/../../outside", "/etc"]) {
    await assert.rejects(mountSubPath(mounts, { volume, subPath, target }), /must be relative/);
  }
});
mountTest("notices a link that was swapped in between check and mount", async (volume, target) => {
  await Deno.mkdir(`${volume}/dir`);
  // The container is faster than the agent: just before the mount the directory is another.
  const swapping = {
    ...mounts,
    async bind(source: string, to: string) {
      await Deno.remove(source);
      await Deno.symlink("../outside", source);
      await mounts.bind(source, to);
    },
  };
  await assert.rejects(mountSubPath(swapping, { volume, subPath: "dir", target }), /leads out of its volume/);
  assert.ok(!(await mounts.list()).some((mount) => mount.target === target));
});
