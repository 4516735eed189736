/** That each field of ContainerSpec does on Podman and Docker what it says. What the fake has no kernel for. */
import assert from "assert";
import { sleep, systemClock } from "../../lib/seams/clock.ts";
import { engineMissing, startEngine, type TestEngine } from "../../tests/harness/engines.ts";
import { busyboxImage } from "../../tests/harness/image.ts";
import type { ContainerSpec, Engine } from "./engine.ts";
import { ensureInfraImage } from "../images/infra.ts";
import { isEngineError } from "./error.ts";
import { podmanUlimits } from "./podman.ts";

const ref = "localhost/spec:1";

/** Runs a shell script in a container of this spec and answers its output. */
async function shell(engine: Engine, script: string, fields: Partial<ContainerSpec> = {}): Promise<string> {
  const id = await engine.create({
    name: `spec-${crypto.randomUUID()}`,
    image: ref,
    command: ["sh", "-c", script],
    networkMode: "none",
    ...fields,
  });
  try {
    await engine.start(id);
    while ((await engine.inspect(id))?.status !== "exited") await sleep(systemClock, 20);
    let text = "";
    for await (const chunk of engine.logs(id)) text += new TextDecoder().decode(chunk.data);
    return text.trim();
  } finally {
    await engine.remove(id, { force: true });
  }
}

const cases: readonly {
  what: string;
  script: string;
  fields: (directory: string) => Partial<ContainerSpec>;
  expect: string | RegExp;
  /** This engine can't do it where it lacks CAP_SYS_RESOURCE. */
  needsSysResource?: "podman" | "docker";
}[] = [
  { what: "workingDir", script: "pwd", fields: () => ({ workingDir: "/tmp" }), expect: "/tmp" },
  {
    what: "user and groups",
    script: "id -u; id -g; id -G",
    fields: () => ({ user: "1000:2000", groups: ["3000"] }),
    expect: "1000\n2000\n2000 3000",
  },
  { what: "hostname", script: "hostname", fields: () => ({ hostname: "web-0" }), expect: "web-0" },
  {
    what: "a bind that may be written",
    script: "echo x > /data/written && cat /data/written",
    fields: (directory) => ({ binds: [{ source: directory, target: "/data", readOnly: false }] }),
    expect: "x",
  },
  {
    what: "a read-only bind",
    script: "(echo x > /data/written) 2>/dev/null || echo refused; cat /data/file",
    fields: (directory) => ({
      binds: [{ source: directory, target: "/data", readOnly: true, propagation: "rprivate" }],
    }),
    expect: "refused\ncontent",
  },
  {
    what: "a bind of one file",
    script: "cat /etc/resolv.conf",
    fields: (directory) => ({ binds: [{ source: `${directory}/file`, target: "/etc/resolv.conf", readOnly: true }] }),
    expect: "content",
  },
  {
    what: "tmpfs",
    script: "grep ' /scratch ' /proc/mounts",
    fields: () => ({ tmpfs: { "/scratch": "size=1m" } }),
    expect: /tmpfs.*size=1024k/,
  },
  {
    what: "readOnlyRootfs",
    script: "touch /x 2>/dev/null || echo refused",
    fields: () => ({ readOnlyRootfs: true }),
    expect: "refused",
  },
  {
    what: "capDrop and capAdd",
    script: "grep CapEff /proc/self/status",
    fields: () => ({ capDrop: ["ALL"], capAdd: ["NET_BIND_SERVICE"] }),
    expect: /0000000000000400$/,
  },
  {
    what: "no-new-privileges",
    script: "grep NoNewPrivs /proc/self/status",
    fields: () => ({ securityOpt: ["no-new-privileges"] }),
    expect: /1$/,
  },
  {
    what: "seccomp=unconfined",
    script: "grep Seccomp: /proc/self/status",
    fields: () => ({ securityOpt: ["seccomp=unconfined"] }),
    expect: /0$/,
  },
  {
    what: "a seccomp profile in a file",
    script: "mkdir /x 2>/dev/null || echo refused",
    fields: (directory) => ({ securityOpt: [`seccomp=${directory}/profile.json`] }),
    expect: "refused",
  },
  {
    what: "sysctls",
    script: "cat /proc/sys/net/ipv4/ip_unprivileged_port_start",
    fields: () => ({ sysctls: { "net.ipv4.ip_unprivileged_port_start": "77" } }),
    expect: "77",
  },
  {
    what: "ulimits",
    script: "ulimit -n",
    fields: () => ({ ulimits: [{ name: "nofile", soft: 512, hard: 512 }] }),
    expect: "512",
  },
  { what: "oomScoreAdj", script: "cat /proc/self/oom_score_adj", fields: () => ({ oomScoreAdj: 900 }), expect: "900" },
  {
    what: "shmBytes",
    script: "df -k /dev/shm | tail -n 1",
    fields: () => ({ shmBytes: 8 * 2 ** 20 }),
    expect: /^shm\s+8192/,
  },
  {
    what: "devices",
    script: "ls /dev/thing",
    fields: () => ({ devices: [{ hostPath: "/dev/null", containerPath: "/dev/thing", permissions: "rw" }] }),
    expect: "/dev/thing",
  },
  { what: "tty", script: "tty", fields: () => ({ tty: true }), expect: /^\/dev\/(pts\/0|console)$/ },
  {
    what: "privileged",
    script: "ls /dev/kmsg",
    fields: () => ({ privileged: true }),
    expect: "/dev/kmsg",
    // Docker gives all capabilities or fails; Podman gives what there is.
    needsSysResource: "docker",
  },
];

async function checkCases(t: Deno.TestContext, { engine, directory }: TestEngine): Promise<void> {
  const data = `${directory}/volume`;
  await Deno.mkdir(data, { mode: 0o777 });
  await Deno.writeTextFile(`${data}/file`, "content\n");
  const profile = { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: ["mkdir"], action: "SCMP_ACT_ERRNO" }] };
  await Deno.writeTextFile(`${data}/profile.json`, JSON.stringify(profile));
  const limited = podmanUlimits("", await Deno.readTextFile("/proc/self/status")) !== undefined;
  for (const { what, script, fields, expect, needsSysResource } of cases) {
    if (limited && needsSysResource === engine.name) {
      await t.step(`start() says why ${what} can't be had without CAP_SYS_RESOURCE`, async () => {
        await assert.rejects(shell(engine, script, fields(data)), (e) => isEngineError(e, "start_failed"));
      });
      continue;
    }
    const fn = async () => {
      const got = await shell(engine, script, fields(data));
      if (typeof expect === "string") assert.equal(got.replaceAll("\r", ""), expect);
      else assert.match(got.replaceAll("\r", ""), expect);
    };
    await t.step(`create() applies ${what}`, fn);
  }
}

async function checkPod(engine: Engine): Promise<void> {
  const infra = await engine.create({
    name: "pod-infra",
    image: ref,
    command: ["sleep", "1000"],
    hostname: "pod-0",
    networkMode: "none",
    ipcMode: "shareable",
  });
  await engine.start(infra);
  const joined: Partial<ContainerSpec> = {
    networkMode: `container:${infra}`,
    ipcMode: `container:${infra}`,
    pidMode: `container:${infra}`,
    utsMode: `container:${infra}`,
    hostname: "pod-0",
  };
  const script =
    "hostname; cat /proc/1/cmdline | tr '\\0' ' '; test $(readlink /proc/self/ns/net) = $(readlink /proc/1/ns/net) && echo shared";
  assert.equal(await shell(engine, script, joined), "pod-0\nsleep 1000 shared");
  await engine.remove(infra, { force: true });
}

async function checkPropagation(engine: Engine): Promise<void> {
  await assert.rejects(
    engine.create({
      name: "colon",
      image: ref,
      networkMode: "none",
      binds: [{ source: "/a:b", target: "/c", readOnly: true }],
    }),
    (e) => isEngineError(e, "invalid") && e.message.includes("/a:b"),
  );
}

async function checkInfra(engine: Engine): Promise<void> {
  const image = await ensureInfraImage(engine);
  const id = await engine.create({ name: "infra", image, networkMode: "none" });
  await engine.start(id);
  // What is left to process 1 of a shared process namespace must not stay as a zombie.
  const orphans =
    "for i in 1 2 3; do sh -c 'sleep 0.05 & exit 0'; done; sleep 0.3; grep -l '^State:.Z' /proc/[0-9]*/status | wc -l";
  const joined = { networkMode: `container:${id}`, pidMode: `container:${id}` } as const;
  assert.equal(await shell(engine, orphans, joined), "0");
  await engine.kill(id, "SIGHUP");
  assert.equal((await engine.inspect(id))?.status, "running");
  await engine.kill(id, "SIGTERM");
  while ((await engine.inspect(id))?.status !== "exited") await sleep(systemClock, 20);
  assert.equal((await engine.inspect(id))?.exitCode, 0);
  await engine.remove(id, { force: true });
}

for (const name of ["podman", "docker"] as const) {
  const missing = engineMissing(name);
  Deno.test({
    name: `${name} engine${missing === undefined ? "" : ` (skipped: ${missing})`} applies what a ContainerSpec says`,
    ignore: missing !== undefined,
    async fn(t) {
      const started = await startEngine(name);
      try {
        await started.engine.imageLoad(await busyboxImage({ ref }), ref);
        await checkCases(t, started);
        await t.step("create() joins the namespaces of an infra container", () => checkPod(started.engine));
        await t.step("the infra image reaps orphans and ends at SIGTERM only", () => checkInfra(started.engine));
        await t.step("create() refuses a bind that the API can't say", () => checkPropagation(started.engine));
      } finally {
        await started.stop();
      }
    },
  });
}
