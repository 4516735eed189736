/** The agent on real engines with real mounts; the API is in memory and pods have no network. */
import assert from "assert";
import { systemClock } from "../lib/seams/clock.ts";
import { systemProcesses } from "../lib/seams/process.ts";
import type { Container, Pod, PodSpec } from "../lib/types/core_v1.ts";
import { ConfigMap as ConfigMapKind, Pod as PodKind, Secret as SecretKind } from "../lib/types/kinds.ts";
import { engineMissing, startEngine } from "../tests/harness/engines.ts";
import { busyboxImage } from "../tests/harness/image.ts";
import { type AgentScene, startAgentOn } from "../tests/harness/agent.ts";
import type { Engine } from "./engine/engine.ts";
import { createMounts } from "./volumes/mounts.ts";

const image = "docker.io/library/busybox:test";
const decoder = new TextDecoder();

const script = (text: string, more: Partial<Container> = {}): Partial<PodSpec> => ({
  restartPolicy: "Never",
  containers: [{ name: "app", image, imagePullPolicy: "Never", command: ["sh", "-c", text], ...more }],
});

type Scene = AgentScene<Engine>;
const statusOf = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0];
const isReady = (pod: Pod | undefined) => pod?.status.conditions?.find((c) => c.type === "Ready")?.status === "True";
const id = (pod: Pod) => statusOf(pod)!.containerID!.replace(/^.*\/\//, "");

/** Runs a script to its end and answers what it wrote. */
async function outputOf(scene: Scene, name: string, spec: Partial<PodSpec>): Promise<string> {
  await scene.apply(name, spec);
  const pod = await scene.until(
    name,
    () => /Succeeded|Failed/.test(scene.pod(name)?.status.phase ?? "") && scene.pod(name),
  );
  let text = "";
  for await (const { data } of scene.engine.logs(id(pod))) text += decoder.decode(data);
  return text;
}

const parts: [name: string, run: (scene: Scene) => Promise<void>][] = [
  ["a pod's names, resolver and hosts", async (scene) => {
    const text = await outputOf(scene, "names", {
      ...script("hostname; cat /etc/hostname; cat /etc/resolv.conf; grep -v '^#' /etc/hosts"),
      hostname: "web",
      subdomain: "sub",
      hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }],
    });
    const lines = text.trim().split("\n");
    assert.deepEqual(lines.slice(0, 2), ["web", "web"]);
    assert.ok(text.includes("search default.svc.cluster.local svc.cluster.local cluster.local"), text);
    assert.ok(text.includes("nameserver 10.96.0.10\noptions ndots:5"), text);
    assert.match(text, /10\.244\.0\.\d+\tweb\.sub\.default\.svc\.cluster\.local\tweb/);
    assert.ok(text.includes("1.2.3.4\ta\tb"));
  }],
  ["environment and arguments", async (scene) => {
    const spec = script("", {
      command: ["sh", "-c", "echo $A $B $N $IP $CPU $0", "$(A)-$(B)"],
      env: [
        { name: "A", value: "1" },
        { name: "B", value: "$(A)2" },
        { name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "1m" } } },
      ],
      resources: { limits: { cpu: "500m", memory: "64Mi" } },
    });
    assert.match(await outputOf(scene, "env", spec), /^1 12 env 10\.244\.0\.\d+ 500 1-12\n$/);
  }],
  ["volumes of every kind", async (scene) => {
    await scene.api.create(ConfigMapKind, { metadata: { name: "c", namespace: "default" }, data: { k: "map" } });
    await scene.api.create(SecretKind, { metadata: { name: "s", namespace: "default" }, data: { k: btoa("sec") } });
    const text = await outputOf(scene, "vols", {
      ...script(
        [
          "cat /map/k /sec/k /down/name /all/m /all/s /one; echo",
          "stat -c %a /sec/..data/k; echo x > /e/f && cat /e/f; grep -c ' /t tmpfs' /proc/mounts",
          "echo y 2>/dev/null > /sec/new || echo read-only; cat /e/sub/dir/f 2>/dev/null || ls -d /part; id -G",
        ].join("; "),
        {
          volumeMounts: [
            { name: "map", mountPath: "/map" },
            { name: "sec", mountPath: "/sec" },
            { name: "down", mountPath: "/down" },
            { name: "all", mountPath: "/all" },
            { name: "map", mountPath: "/one", subPath: "k" },
            { name: "e", mountPath: "/e" },
            { name: "t", mountPath: "/t" },
            { name: "e", mountPath: "/part", subPath: "sub/dir" },
          ],
        },
      ),
      securityContext: { fsGroup: 2000 },
      volumes: [
        { name: "map", configMap: { name: "c" } },
        { name: "sec", secret: { secretName: "s", defaultMode: 0o400 } },
        { name: "down", downwardAPI: { items: [{ path: "name", fieldRef: { fieldPath: "metadata.name" } }] } },
        {
          name: "all",
          projected: {
            sources: [
              { configMap: { name: "c", items: [{ key: "k", path: "m" }] } },
              { secret: { name: "s", items: [{ key: "k", path: "s" }] } },
            ],
          },
        },
        { name: "e", emptyDir: {} },
        { name: "t", emptyDir: { medium: "Memory", sizeLimit: "1Mi" } },
      ],
    });
    assert.deepEqual(
      text.split("\n").slice(0, 6),
      ["mapsecvolsmapsecmap", "440", "x", "1", "read-only", "/part"],
      text,
    );
    assert.match(text, /\b2000\b/);
  }],
  ["users, groups and rights", async (scene) => {
    const text = await outputOf(scene, "rights", {
      ...script("id -u; id -g; touch /x 2>&1 | grep -c -i read-only; grep -E 'CapEff|NoNewPrivs' /proc/self/status", {
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 1001,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
      }),
    });
    const words = text.replaceAll(/\s+/g, " ").trim();
    assert.match(words, /^1000 1001 1 CapEff: 0+ NoNewPrivs: 1$/);
  }],
  ["a root image where root is refused", async (scene) => {
    await scene.apply("root", script("id", { securityContext: { runAsNonRoot: true } }));
    const waiting = await scene.until("an error", () => {
      const state = statusOf(scene.pod("root"))?.state?.waiting;
      return state?.reason === "CreateContainerConfigError" && state;
    });
    assert.match(waiting.message!, /^container has runAsNonRoot and image will run as root \(pod: "root_default\(/);
    await scene.api.delete(PodKind, { namespace: "default", name: "root" }, { gracePeriodSeconds: 0 });
  }],
  ["last words and exit codes", async (scene) => {
    await scene.apply("words", script("echo said > /dev/termination-log; exit 5"));
    const pod = await scene.until("Failed", () => scene.pod("words")?.status.phase === "Failed" && scene.pod("words"));
    const { terminated } = statusOf(pod)!.state!;
    assert.deepEqual([terminated!.exitCode, terminated!.reason, terminated!.message], [5, "Error", "said\n"]);
  }],
  ["a command that is not there", async (scene) => {
    await scene.apply("absent", script("", { command: ["/no/such/program"] }));
    const pod = await scene.until(
      "Failed",
      () => scene.pod("absent")?.status.phase === "Failed" && scene.pod("absent"),
    );
    const { terminated } = statusOf(pod)!.state!;
    assert.equal(terminated!.reason, "ContainerCannotRun");
    assert.match(terminated!.message!, /no such file/i);
  }],
  ["processes that are shared", async (scene) => {
    const text = await outputOf(scene, "shared", {
      ...script("cat /proc/1/cmdline | tr '\\0' ' '"),
      shareProcessNamespace: true,
    });
    assert.match(text, /infra/);
  }],
  ["hooks, an exec probe, a restart of the agent, and the end", async (scene) => {
    await scene.apply("life", {
      terminationGracePeriodSeconds: 5,
      containers: [{
        name: "app",
        image,
        imagePullPolicy: "Never",
        command: ["sh", "-c", "trap 'echo TERM >> /v/log; exit 0' TERM; while :; do sleep 0.1; done"],
        lifecycle: {
          postStart: { exec: { command: ["sh", "-c", "echo post >> /v/log"] } },
          preStop: { exec: { command: ["sh", "-c", "echo pre >> /v/log"] } },
        },
        readinessProbe: { exec: { command: ["grep", "-q", "post", "/v/log"] }, periodSeconds: 1 },
        volumeMounts: [{ name: "v", mountPath: "/v" }],
      }],
      volumes: [{ name: "v", hostPath: { path: `${scene.directory}/host`, type: "DirectoryOrCreate" } }],
    });
    const before = await scene.until("Ready", () => isReady(scene.pod("life")) && scene.pod("life"));
    await scene.restart();
    await scene.until("it is adopted", () => scene.agent.workers.memory(before.metadata.uid)?.address);
    assert.equal(id(scene.pod("life")!), id(before));
    assert.ok(isReady(scene.pod("life")));
    await scene.api.delete(PodKind, { namespace: "default", name: "life" }, { gracePeriodSeconds: 5 });
    await scene.until("it is gone", () => scene.pod("life") === undefined);
    assert.equal(await Deno.readTextFile(`${scene.directory}/host/log`), "post\npre\nTERM\n");
  }],
  ["other limits without a restart, and with one", async (scene) => {
    const resources = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
    const policy = { resourceName: "cpu", restartPolicy: "RestartContainer" };
    await scene.apply("resized", {
      terminationGracePeriodSeconds: 1,
      containers: [{
        name: "app",
        image,
        imagePullPolicy: "Never",
        command: ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"],
        resources: resources("100m", "32Mi"),
        resizePolicy: [policy] as Container["resizePolicy"],
      }],
    });
    const before = await scene.until("Ready", () => isReady(scene.pod("resized")) && scene.pod("resized"));
    const resize = async (cpu: string, memory: string, restarts: number) => {
      const patch = { spec: { containers: [{ name: "app", resources: resources(cpu, memory) }] } };
      await scene.api.patch(PodKind, { namespace: "default", name: "resized" }, { type: "strategic", patch });
      const pod = await scene.until(`${cpu} ${memory}`, () => {
        const pod = scene.pod("resized")!;
        const { resources: has, restartCount } = statusOf(pod)!;
        const done = has?.limits?.cpu === cpu && has.limits.memory === memory && restartCount === restarts;
        return done && isReady(pod) && !pod.status.conditions!.some(({ type }) => /^PodResize/.test(type!)) && pod;
      });
      return { pod, limits: (await scene.engine.stats(id(pod)!)).limits };
    };
    const more = await resize("100m", "48Mi", 0);
    assert.deepEqual([more.limits?.memoryBytes, more.limits?.nanoCpus], [48 * 2 ** 20, 100_000_000]);
    assert.equal(id(more.pod), id(before));
    const faster = await resize("200m", "48Mi", 1);
    assert.deepEqual([faster.limits?.memoryBytes, faster.limits?.nanoCpus], [48 * 2 ** 20, 200_000_000]);
    assert.notEqual(id(faster.pod), id(before));
  }],
  ["nothing is left of deleted pods", async (scene) => {
    const all = [...scene.api.store.all(PodKind).values()];
    for (const { metadata } of all) {
      await scene.api.delete(PodKind, metadata, { gracePeriodSeconds: 0 });
    }
    await scene.until(
      "all are gone",
      () => all.every(({ metadata }) => scene.agent.workers.pod(metadata.uid) === undefined),
    );
    assert.deepEqual(await scene.engine.list({ "dev.sauropod.cluster": "c1" }), []);
    assert.deepEqual([...Deno.readDirSync(`${scene.directory}/pods`)], []);
    assert.deepEqual([...Deno.readDirSync(`${scene.directory}/memory`)], []);
  }],
];

for (const name of ["podman", "docker"] as const) {
  const missing = engineMissing(name);
  Deno.test({
    name: `agent on ${name}${missing === undefined ? "" : ` (skipped: it ${missing})`}`,
    ignore: missing !== undefined,
    sanitizeOps: false,
    sanitizeResources: false,
    async fn(t) {
      const { engine, stop } = await startEngine(name);
      try {
        await engine.imageLoad(await busyboxImage({ ref: image }), image);
        await using scene = await startAgentOn(engine, { clock: systemClock, mounts: createMounts(systemProcesses) });
        for (const [part, run] of parts) await t.step(part, () => run(scene));
      } finally {
        await stop();
      }
    },
  });
}
