/**
 * Many hosts join one cluster at the same moment, with the same join string: each a machine of its own with its engine, its agent and its
 * proxy. HOSTS in the environment says how many (here 5); UPDATE=1 writes what was measured to docs/joining.md.
 */
import assert from "assert";
import { X509Certificate } from "node:crypto";
import { Cluster } from "../harness/cluster.ts";
import { type Host, until } from "../harness/lab/host.ts";
import { createLab } from "../harness/lab/lab.ts";
import { joinOf, Worker } from "../harness/worker.ts";
import { writeJoining } from "./hosts/page.ts";
import { obstacle } from "./scenario.ts";

const count = Number(Deno.env.get("HOSTS") ?? 5);
/** On two cores three programs of each start at once. */
const patienceMs = 60_000 + count * 15_000;

// deno-lint-ignore no-console
const say = (line: string) => console.log(`    ${line}`);

/** When each worker says that its node is Ready, from the moment that all of them were started. ms, sorted */
async function joinAll(workers: readonly Worker[]): Promise<number[]> {
  const begun = performance.now();
  const times = await Promise.all(workers.map(async (worker) => {
    await worker.start(patienceMs);
    return performance.now() - begun;
  }));
  return times.sort((a, b) => a - b);
}

interface Node {
  metadata: { name: string };
  spec: { podCIDR: string };
  status: { addresses: { type: string; address: string }[]; nodeInfo: { machineID: string }; conditions: Condition[] };
}

interface Condition {
  type: string;
  status: string;
}

async function nodesAre(cluster: Cluster, hosts: readonly Host[]): Promise<void> {
  const nodes: Node[] = (await cluster.json("get nodes")).items;
  const sorted = (values: readonly string[]) => [...values].sort();
  assert.deepEqual(sorted(nodes.map(({ metadata }) => metadata.name)), sorted(hosts.map(({ name }) => name)));
  for (const { metadata, status } of nodes) {
    assert.equal(status.conditions.find(({ type }) => type === "Ready")?.status, "True", metadata.name);
    const internal = status.addresses.find(({ type }) => type === "InternalIP")?.address;
    assert.equal(internal, hosts.find(({ name }) => name === metadata.name)!.ip);
  }
  for (const  of of[({ spec }: Node) => spec.podCIDR, ({ status }: Node) => status.nodeInfo.machineID]) {
    assert.equal(new Set(nodes.map(of)).size, hosts.length, "two nodes have one");
  }
}

/** Every host leads to the pods of every other one. */
async function routesAre(cluster: Cluster, hosts: readonly Host[]): Promise<void> {
  const nodes: Node[] = (await cluster.json("get nodes")).items;
  for (const host of hosts) {
    const others = nodes.filter(({ metadata }) => metadata.name !== host.name).map(({ spec }) => spec.podCIDR);
    let missing: string[] = others;
    await until(60_000, async () => {
      const { stdout } = await host.exec(["ip", "-4", "route", "show", "proto", "83"]);
      missing = others.filter((range) => !stdout.includes(`${range} via `));
      return missing.length === 0;
    }, () => `${host.name} has no route to ${missing}`);
  }
}

/** Each host is who it says: its agent and its proxy have certificates of their own, by which the API knows them. */
async function certificatesAre(hosts: readonly Host[]): Promise<void> {
  const subjects = await Promise.all(hosts.map(async (host) => {
    const file = "/var/lib/sauropod/agent/client.crt";
    const { subject } = new X509Certificate((await host.exec(["cat", file])).stdout);
    assert.match(subject, new RegExp(`CN=system:node:${host.name}$`, "m"));
    return subject;
  }));
  assert.equal(new Set(subjects).size, hosts.length);
}

const why = obstacle("podman", []);

Deno.test({
  name: `${count} hosts join at once${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    const engines = Array.from({ length: count + 1 }, () => "podman" as const);
    await using lab = await createLab({
      name: `${Deno.env.get("LAB") ?? ""}batch`,
      hosts: engines,
      prefix: "10.99.84",
    });
    const [first, ...others] = lab.hosts as readonly [Host, ...Host[]];
    await using cluster = new Cluster(first);
    await cluster.start();
    const join = await joinOf(cluster);
    const workers = others.map((host) => new Worker(host, join));
    let times: number[] = [];
    try {
      await t.step("with one string, all become Ready", async () => {
        times = await joinAll(workers);
        await nodesAre(cluster, lab.hosts);
      });
      await t.step("each has certificates of its own", () => certificatesAre(others));
      await t.step("each knows the way to the pods of all others", () => routesAre(cluster, lab.hosts));
      if (times.length === 0) throw new Error(`they did not join; the first host's last lines:\n${cluster.log(60)}`);
      const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
      const at = (share: number) => seconds(times[Math.max(1, Math.ceil(times.length * share)) - 1]!);
      say(`Ready: the first after ${at(0)}, half of them after ${at(0.5)}, all after ${at(1)}`);
      if (Deno.env.get("UPDATE") !== undefined) await writeJoining(times);
    } finally {
      await Promise.all(workers.map((worker) => worker.stop()));
    }
  },
});
