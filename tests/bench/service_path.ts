/**
 * What a Service costs a connection: from one pod of a node to another, at its own address and at a Service's, beside a proxy in user space
 * (HAProxy, Docker's). Each way is measured in turn, again and again, and compared with the direct one of the same round: what else runs
 * on the machine slows all of them alike. Leaves out other nodes: the way there is the same for a Service and for a pod.
 */
import { systemClock } from "../../lib/seams/clock.ts";
import { type Child, output, systemProcesses } from "../../lib/seams/process.ts";
import { NftPlane } from "../../proxy/nft/plane.ts";
import { type Lab, openLab, whyNoLab } from "../../proxy/testing/lab.ts";
import { at, entryOf, service, slice } from "../../proxy/testing/objects.ts";
import { net, node, nodeIp, pods } from "../../proxy/testing/world.ts";
import { entryAt } from "./proxy.ts";
import { median } from "./latency.ts";
import { figure as figureOf, type Report, type Target } from "./report.ts";
import { wrk } from "./wrk.ts";

const rounds = 11;
/** design, section 10 */
const targets = { share: 0.97, p99: 1.05 };
const ports = { web: 8080, bulk: 5201 };
/** Who goes there directly: with one port for both ways, a client's port that was used in one is taken in the other, by conntrack. */
const directWeb = 8081;
const vip = "10.96.250.1";
/** Where proxies in user space listen, at the node's address. */
const proxyPorts = { haproxy: { web: 9080, bulk: 9201 }, docker: { web: 9081, bulk: 9202 } };

interface Place {
  readonly to: string;
  readonly web: number;
  readonly bulk: number;
}

/** A way to the pod. */
interface Way extends Place {
  readonly name: string;
  readonly lab: Lab;
  /** Ours, to which the targets apply. */
  readonly ours?: boolean;
}

/** What one turn found, by measure. */
type Figures = Readonly<Record<string, number>>;

interface Measure {
  readonly about: string;
  /** Of what is compared: `figure` of Figures, in `unit`. */
  readonly compared: readonly { figure: string; unit: string; target: Target }[];
  turn(way: Way): Promise<Figures>;
}

const share: Target = { atLeast: targets.share };
const wait: Target = { atMost: targets.p99 };

const measures: readonly Measure[] = [
  {
    about: "one long transfer",
    compared: [{ figure: "transfer", unit: "MB/s", target: share }],
    async turn({ lab, to, bulk }) {
      const client = [...lab.enter("a"), "iperf3", "-J", "-c", to, "-p", String(bulk), "-t", "1"];
      const { end, error } = JSON.parse((await systemProcesses.run(client)).stdout);
      if (error !== undefined) throw new Error(`iperf3 to ${to}:${bulk}: ${error}`);
      return { transfer: end.sum_received.bits_per_second / 8e6 };
    },
  },
  {
    about: "requests, 16 connections that stay",
    compared: [{ figure: "requests", unit: "/s", target: share }],
    turn: async (way) => ({ requests: (await requests(way, { clients: 16 })).perSecond }),
  },
  {
    about: "requests, 1 connection that stays",
    compared: [{ figure: "p50", unit: "µs", target: wait }, { figure: "p99", unit: "µs", target: wait }],
    turn: async (way) => {
      const { p50Ms, p99Ms } = await requests(way, { clients: 1 });
      return { p50: p50Ms * 1_000, p99: p99Ms * 1_000 };
    },
  },
  {
    about: "requests, each on a connection of its own, 8 at once",
    compared: [{ figure: "connections", unit: "/s", target: share }, { figure: "p99", unit: "µs", target: wait }],
    turn: async (way) => {
      const { perSecond, p99Ms } = await requests(way, {
        clients: 8,
        prelude: 'wrk.headers["Connection"] = "close"\n',
      });
      return { connections: perSecond, p99: p99Ms * 1_000 };
    },
  },
];

async function requests({ lab, to, web, name }: Way, how: { clients: number; prelude?: string }) {
  const result = await wrk({ url: `http://${to}:${web}/`, seconds: 1, enter: lab.enter("a"), ...how });
  if (result.errors > 0) throw new Error(`${name}: ${result.errors} of ${result.requests} requests failed`);
  return result;
}

/** Every program that it can't do without, and its Debian package. */
const needed = { wrk: "wrk", nginx: "nginx-light", iperf3: "iperf3" };

const installed = async (program: string) =>
  (await systemProcesses.run(["sh", "-c", `command -v ${program}`])).code === 0;

async function obstacle(): Promise<string | undefined> {
  for (const [program, debian] of Object.entries(needed)) {
    if (!(await installed(program))) return `needs ${program} (apt-get install ${debian})`;
  }
  return await whyNoLab();
}

/** Programs of a run, ended with it. */
class Programs implements AsyncDisposable {
  readonly #children: Child[] = [];

  constructor(readonly dir: string) {}

  spawn(command: readonly string[]): void {
    this.#children.push(systemProcesses.spawn(command, { onLine: () => {} }));
  }

  async file(name: string, text: string): Promise<string> {
    await Deno.writeTextFile(`${this.dir}/${name}`, text);
    return `${this.dir}/${name}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill("SIGTERM");
    await Promise.all(this.#children.map(({ ended }) => ended));
    await Deno.remove(this.dir, { recursive: true });
  }
}

const nginxConfig = (dir: string) => `
daemon off;
worker_processes 1;
pid ${dir}/nginx.pid;
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  server {
    listen ${ports.web} backlog=4096;
    listen ${directWeb} backlog=4096;
    location / { return 200 "a hundred bytes, as a small answer of a small service may have them, no more and no less than that.\\n"; }
  }
}
`;

/** The server's pod is b. More ports than the default, so that no way runs out of them. */
async function openNode(stack: AsyncDisposableStack, programs: Programs, name: string): Promise<Lab> {
  const lab = stack.use(await openLab({ peers: [] }));
  for (const one of ["a", "node"] as const) {
    await lab.run(one, "sysctl -qw net.ipv4.ip_local_port_range='10240 65535' net.ipv4.tcp_tw_reuse=1");
  }
  await Deno.mkdir(`${programs.dir}/${name}`);
  const config = await programs.file(`${name}.nginx`, nginxConfig(`${programs.dir}/${name}`));
  programs.spawn([...lab.enter("b"), "nginx", "-c", config]);
  programs.spawn([...lab.enter("b"), "iperf3", "-s", "-p", String(ports.bulk)]);
  return lab;
}

/** The Service, among `count` of them. */
async function loadRules(lab: Lab, count: number): Promise<void> {
  const plane = new NftPlane({
    net,
    processes: lab.processes,
    clock: systemClock,
    nodeAddresses: () => node.addresses,
  });
  const measured = entryOf(
    node,
    service("measured", {
      clusterIP: vip,
      ports: Object.entries(ports).map(([name, port]) => ({ name, port, protocol: "TCP" })),
    }),
    slice(
      "measured",
      Object.entries(ports).map(([name, port]) => ({ name, port, protocol: "TCP" })),
      [at(pods.b, node.name)],
    ),
  );
  const others = Array.from({ length: count - 1 }, (_, i) => entryAt(i, 5));
  await plane.load(new Map([measured, ...others].map((entry) => [entry.key, entry])));
}

async function startHaproxy(programs: Programs, lab: Lab): Promise<Place> {
  const at = proxyPorts.haproxy;
  const listens = (["web", "bulk"] as const).map((name) =>
    `listen ${name}\n  bind ${nodeIp}:${at[name]}\n  server pod ${pods.b}:${ports[name]}\n`
  );
  const config = await programs.file(
    "haproxy",
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1m\n  timeout server 1m\n${listens.join("")}`,
  );
  programs.spawn([...lab.enter("node"), "haproxy", "-db", "-f", config]);
  return { to: nodeIp, ...at };
}

function startDockerProxy(programs: Programs, lab: Lab): Promise<Place> {
  const at = proxyPorts.docker;
  for (const name of ["web", "bulk"] as const) {
    const host = ["-host-ip", nodeIp, "-host-port", String(at[name])];
    const container = ["-container-ip", pods.b, "-container-port", String(ports[name])];
    // It tells at descriptor 3 that it has begun.
    const started = ["sh", "-c", 'exec "$@" 3>/dev/null', "sh", "docker-proxy", "-proto", "tcp", ...host, ...container];
    programs.spawn([...lab.enter("node"), ...started]);
  }
  return Promise.resolve({ to: nodeIp, ...at });
}

const userspace = [
  { name: "HAProxy", program: "haproxy", debian: "haproxy", start: startHaproxy },
  { name: "Docker's proxy", program: "docker-proxy", debian: "docker.io", start: startDockerProxy },
];

/** Waits until both ports answer, which also shows that the way is one. */
async function answers({ lab, to, web, bulk, name }: Way): Promise<void> {
  for (const port of [web, bulk]) {
    const tries = `for i in $(seq 200); do (: </dev/tcp/${to}/${port}) 2>/dev/null && exit 0; sleep 0.05; done; exit 1`;
    const { code } = await systemProcesses.run([...lab.enter("a"), "timeout", "15", "bash", "-c", tries]);
    if (code !== 0) throw new Error(`${name}: nobody answers at ${to}:${port}`);
  }
}

/** All turns of a measure: figures by way, one of each round. */
async function measured(measure: Measure, ways: readonly Way[]): Promise<ReadonlyMap<Way, readonly Figures[]>> {
  const found = new Map<Way, Figures[]>(ways.map((way) => [way, []]));
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) found.get(way)!.push(await measure.turn(way));
  }
  return found;
}

/** The first way is what the others are compared with. */
function tell(report: Report, { about, compared }: Measure, found: ReadonlyMap<Way, readonly Figures[]>): void {
  const [[first, base], ...others] = [...found] as [[Way, readonly Figures[]], ...[Way, readonly Figures[]][]];
  report.note(about);
  for (const { figure, unit, target } of compared) {
    const share = (turns: readonly Figures[]) => median(turns.map((turn, i) => turn[figure]! / base[i]![figure]!));
    const all = (turns: readonly Figures[]) => median(turns.map((turn) => turn[figure]!));
    report.add({ what: `${first.name}, ${figure}`, value: all(base), unit });
    const rival = others.find(([{ name }]) => name === "HAProxy");
    for (const [way, turns] of others) {
      const peer = way.ours && rival !== undefined
        ? { name: "HAProxy", value: share(rival[1]), here: true }
        : undefined;
      const more = `${figureOf(all(turns))} ${unit}`;
      const row = { what: `${way.name}, ${figure}`, value: share(turns), unit: "of direct", more };
      report.add(way.ours ? { ...row, target, peer } : row);
    }
  }
}

export async function servicePath(report: Report): Promise<void> {
  const why = await obstacle();
  if (why !== undefined) return report.skip("Service path", why);
  await using stack = new AsyncDisposableStack();
  const programs = stack.use(new Programs(await Deno.makeTempDir({ prefix: "sauropod-path-" })));
  const open = (name: string) => openNode(stack, programs, name);
  const [bare, one, many] = [await open("bare"), await open("one"), await open("many")];
  await loadRules(one, 1);
  await loadRules(many, 10_000);
  const direct = { to: pods.b, ...ports, web: directWeb };
  const ways: Way[] = [
    { name: "direct", lab: one, ...direct },
    { name: "Service, the only one", lab: one, to: vip, ...ports, ours: true },
    { name: "Service, one of 10,000", lab: many, to: vip, ...ports, ours: true },
    { name: "direct, no rules on the node", lab: bare, ...direct },
  ];
  for (const { name, program, debian, start } of userspace) {
    if (await installed(program)) ways.push({ name, lab: bare, ...await start(programs, bare) });
    else report.skip(name, `needs ${program} (apt-get install ${debian})`);
  }
  for (const way of ways) await answers(way);
  report.note(`medians of ${rounds} rounds, ${await output(systemProcesses, ["nft", "--version"])}`.trim());
  for (const measure of measures) tell(report, measure, await measured(measure, ways));
}
