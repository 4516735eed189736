/** All combinations of who asks and how a Service is addressed, in one table: which pods answer, and whose address they see. */
import assert from "assert";
import type { Host } from "../../harness/lab/host.ts";
import type { ManyScene } from "../many_scenario.ts";

export const proxyMode = Deno.env.get("PROXY_MODE") ?? "nftables";
/** A proxy that forwards by itself is who endpoints see. */
export const isClientSeen = proxyMode === "nftables";

/** Enough for three endpoints in turn, twice. */
const requests = 6;
const patienceSeconds = 1;

/** Where requests come from. */
export interface Place {
  name: string;
  /** Absent: outside of the cluster. */
  host?: Host;
  /** Its address when it is a pod. */
  podIp?: string;
  /** Runs a shell script there. */
  run(script: string): Promise<string>;
  /** One request as a shell command; prints the answer, fails when there is none. */
  request(url: string): string;
}

export interface Pod {
  name: string;
  ip: string;
  node: string;
}

interface Case {
  from: Place;
  url: string;
  what: string;
  /** Who answers; nobody when it is empty. */
  answers: readonly Pod[];
  /** Addresses of which the pod sees one. */
  seen(pod: Pod): readonly string[];
}

/** What the table is made from. */
interface World {
  targets: Record<"web" | "web-local" | "one" | "one-local" | "one-inside", Target>;
  /** IPv4 addresses of each host, by its name; of the outside client by `outside`. */
  addresses: ReadonlyMap<string, readonly string[]>;
}

export async function podsOf({ cluster }: ManyScene, app: string): Promise<Pod[]> {
  const { items } = await cluster.json(`get pods -l app=${app}`);
  // deno-lint-ignore no-explicit-any
  return items.filter((pod: any) => pod.metadata.deletionTimestamp === undefined).map((pod: any) => ({
    name: pod.metadata.name,
    ip: pod.status.podIP,
    node: pod.spec.nodeName,
  }));
}

const curl = (url: string) => `curl -sf --max-time ${patienceSeconds} '${url}'`;
const wget = (url: string) => `timeout ${patienceSeconds} wget -q -O - '${url}'`;

const ran = async (run: Promise<{ stdout: string; stderr: string }>) => {
  const { stdout, stderr } = await run;
  return stdout + stderr;
};

/** The machine outside of the cluster. */
export function outside({ lab }: ManyScene): Place {
  return { name: "outside", run: (script) => ran(lab.client(["sh", "-c", script])), request: curl };
}

/** A pod on each host, each host, and the machine outside of the cluster. */
export async function places(scene: ManyScene): Promise<Place[]> {
  const { cluster, hosts } = scene;
  const askers = await podsOf(scene, "ask");
  return [
    ...hosts.flatMap((host): Place[] => [
      {
        name: `a pod on ${host.name}`,
        host,
        podIp: askers.find(({ node }) => node === host.name)!.ip,
        run: (script) => cluster.ask(["exec", `ask-${host.name}`, "--", "sh", "-c", script]),
        request: wget,
      },
      { name: host.name, host, run: (script) => ran(host.exec(["sh", "-c", script])), request: curl },
    ]),
    outside(scene),
  ];
}

interface Target {
  ip: string;
  nodePort: number;
  pods: readonly Pod[];
}

async function target(scene: ManyScene, name: string, app: string): Promise<Target> {
  const { spec } = await scene.cluster.json(`get service ${name}`);
  return { ip: spec.clusterIP, nodePort: spec.ports[0].nodePort, pods: await podsOf(scene, app) };
}

async function worldOf(scene: ManyScene): Promise<World> {
  const named = async (name: string, app: string) => [name, await target(scene, name, app)] as const;
  const targets = await Promise.all([
    named("web", "web"),
    named("web-local", "web"),
    named("one", "one"),
    named("one-local", "one"),
    named("one-inside", "one"),
  ]);
  const addresses = new Map<string, string[]>([["outside", [scene.lab.clientIp()]]]);
  for (const host of scene.hosts) addresses.set(host.name, await addressesOf(host));
  return { targets: Object.fromEntries(targets) as World["targets"], addresses };
}

async function cases(scene: ManyScene): Promise<Case[]> {
  const world = await worldOf(scene);
  return (await places(scene)).flatMap((place) => [
    ...(place.host === undefined ? [] : inside(place, place.host, world)),
    ...scene.hosts.flatMap((host) => nodePorts(place, host, world)),
  ]);
}

const on = (pods: readonly Pod[], host: Host) => pods.filter(({ node }) => node === host.name);

/** By cluster IP, by name; internalTrafficPolicy. A pod that reaches itself gets its answer only if it came from somebody else. */
function inside(from: Place, host: Host, { targets, addresses }: World): Case[] {
  const { web, one, "one-inside": local } = targets;
  const node = addresses.get(host.name)!;
  const seen = ({ ip }: Pod) => from.podIp === undefined || from.podIp === ip ? node : [from.podIp];
  const way = (what: string, url: string, answers: readonly Pod[]): Case => ({ from, url, what, answers, seen });
  return [
    way("cluster IP", `http://${web.ip}/`, web.pods),
    way("cluster IP, one pod", `http://${one.ip}/`, one.pods),
    way("cluster IP, internalTrafficPolicy Local", `http://${local.ip}/`, on(local.pods, host)),
    ...(from.podIp === undefined ? [] : ["web", "web.default", "web.default.svc.cluster.local"])
      .map((name) => way(`name ${name}`, `http://${name}/`, web.pods)),
  ];
}

/** externalTrafficPolicy at a node's port. Who asks another node comes as what he is: a pod as a pod, a host with its own address. */
function nodePorts(from: Place, host: Host, { targets, addresses }: World): Case[] {
  const node = addresses.get(host.name)!;
  const self = from.host === host;
  const client = from.podIp !== undefined ? [from.podIp] : addresses.get(from.host?.name ?? "outside")!;
  const isHere = (pod: Pod) => pod.node === host.name;
  const cluster = (pod: Pod) => from.podIp === undefined && isHere(pod) ? client : node;
  // Pods anywhere, and the node itself, are let through to all endpoints (kube-proxy: "short-circuit"). An answer to a pod of another
  // node that was sent on to a third has to come back through here.
  const short = from.podIp !== undefined || self;
  const local = (pod: Pod) => {
    if (from.podIp === undefined) return client;
    return pod.ip !== from.podIp && (self || isHere(pod)) ? client : node;
  };
  const way = (name: keyof World["targets"], policy: "Cluster" | "Local"): Case => {
    const { nodePort, pods } = targets[name];
    return {
      from,
      url: `http://${host.ip}:${nodePort}/`,
      what: `node port of ${host.name}, ${policy} (${name})`,
      answers: policy === "Local" && !short ? on(pods, host) : pods,
      seen: policy === "Local" ? local : cluster,
    };
  };
  return [way("web", "Cluster"), way("one", "Cluster"), way("web-local", "Local"), way("one-local", "Local")];
}

/** All IPv4 addresses of a host. */
export async function addressesOf(host: Host): Promise<string[]> {
  const { stdout } = await host.exec(["ip", "-4", "-o", "addr"]);
  return [...stdout.matchAll(/inet ([\d.]+)/g)].map(([, ip]) => ip!);
}

export interface Answer {
  pod: string;
  source: string;
}

/** Asks all URLs from one place, in one script; the answers of each, empty where nobody answered. */
export async function askAll(from: Place, urls: readonly string[], count = requests): Promise<Answer[][]> {
  const one = (url: string, i: number) =>
    // The first that is not answered says it for all.
    `n=0; while [ $n -lt ${count} ]; do n=$((n+1)); a=$(${from.request(url)}) || break; echo "${i} $a"; done; `;
  const output = await from.run(urls.map(one).join("") + "true");
  const lines = output.split("\n").map((line) => line.split(" "));
  return urls.map((_, i) =>
    lines.filter(([number]) => number === `${i}`).map(([, pod, source]) => ({ pod: pod!, source: source! }))
  );
}

/** What is wrong with the answers; `undefined` when they are as they should be. `nodes`: the addresses of all of them. */
function complaint({ answers, seen }: Case, got: Answer[], nodes: readonly string[]): string | undefined {
  const wanted = answers.map(({ name }) => name).sort();
  const answered = [...new Set(got.map(({ pod }) => pod))].sort();
  if (answered.join() !== wanted.join()) {
    return `answered: ${answered.join(", ") || "nobody"}; wanted: ${wanted.join(", ") || "nobody"}`;
  }
  for (const { pod: name, source } of got) {
    const pod = answers.find((one) => one.name === name)!;
    const allowed = isClientSeen ? seen(pod) : nodes;
    if (!allowed.includes(source)) return `${name} on ${pod.node} saw ${source}; wanted: ${allowed.join(" or ")}`;
  }
  return undefined;
}

export async function ways(scene: ManyScene): Promise<void> {
  await scene.step("all ways to a Service, from everywhere", async () => {
    const all = await cases(scene);
    const nodes = (await Promise.all(scene.hosts.map(addressesOf))).flat();
    const wrong: string[] = [];
    for (const from of new Set(all.map((one) => one.from))) {
      const mine = all.filter((one) => one.from === from);
      const answers = await askAll(from, mine.map(({ url }) => url));
      mine.forEach((one, i) => {
        const bad = complaint(one, answers[i]!, nodes);
        if (bad !== undefined) wrong.push(`${from.name} → ${one.what} (${one.url}): ${bad}`);
      });
    }
    assert.deepEqual(wrong, [], `${wrong.length} of ${all.length} ways:\n${wrong.join("\n")}`);
  });
}
