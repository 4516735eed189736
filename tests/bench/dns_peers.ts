/** Other name servers of the same names, each on a port of its own at 127.0.0.1. They run until they are disposed of. */
import dgram from "node:dgram";
import { systemClock } from "../../lib/seams/clock.ts";
import { type Child, systemProcesses } from "../../lib/seams/process.ts";
import type { Report } from "./report.ts";

export interface NameServer {
  readonly name: string;
  readonly port: number;
}

interface Installed {
  readonly name: string;
  readonly debian: string;
  /** Its configuration: `addresses` by name. */
  config(addresses: ReadonlyMap<string, string>, port: number): string;
  command(config: string): string[];
}

const unbound: Installed = {
  name: "unbound",
  debian: "unbound",
  config: (addresses, port) =>
    [
      "server:",
      ...["do-daemonize: no", "use-syslog: no", 'chroot: ""', 'username: ""', 'pidfile: ""', "num-threads: 1"],
      ...[`interface: 127.0.0.1@${port}`, "do-ip6: no", 'module-config: "iterator"'],
      'local-zone: "cluster.local." static',
      ...addresses.entries().map(([name, address]) => `local-data: "${name}. 5 IN A ${address}"`),
      "remote-control:",
      "control-enable: no",
      "",
    ].join("\n"),
  command: (config) => ["unbound", "-d", "-p", "-c", config],
};

const dnsmasq: Installed = {
  name: "dnsmasq",
  debian: "dnsmasq-base",
  config: (addresses, port) =>
    [
      ...["keep-in-foreground", "no-resolv", "no-hosts", "user=root", "bind-interfaces", "local=/cluster.local/"],
      ...["listen-address=127.0.0.1", `port=${port}`, "local-ttl=5"],
      ...addresses.entries().map(([name, address]) => `host-record=${name},${address}`),
      "",
    ].join("\n"),
  command: (config) => ["dnsmasq", `--conf-file=${config}`, "--pid-file"],
};

/** A free one for UDP and TCP; somebody else may take it before it is used. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Asks until it answers. Throws when it ends or is silent for 10 s. */
async function answers(name: string, port: number, query: Uint8Array, lines: readonly string[]): Promise<void> {
  const socket = dgram.createSocket("udp4");
  let cancel = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      const until = systemClock.now() + 10_000;
      const ask = () => {
        if (systemClock.now() > until) return reject(new Error(`${name} does not answer: ${lines.join("\n")}`));
        socket.send(query, port, "127.0.0.1");
        cancel = systemClock.after(50, ask);
      };
      socket.on("message", () => resolve());
      ask();
    });
  } finally {
    cancel();
    socket.close();
  }
}

async function start({ name, config, command }: Installed, addresses: ReadonlyMap<string, string>, query: Uint8Array) {
  const port = freePort();
  const file = await Deno.makeTempFile();
  const lines: string[] = [];
  await Deno.writeTextFile(file, config(addresses, port));
  const child: Child = systemProcesses.spawn(command(file), { onLine: (line) => lines.push(line) });
  const stop = async () => {
    child.kill("SIGTERM");
    await child.ended;
    await Deno.remove(file);
  };
  try {
    await answers(name, port, query, lines);
  } catch (error) {
    await stop();
    throw error;
  }
  return { name, port, [Symbol.asyncDispose]: stop };
}

/** Those that are installed; the others are told. `query` is a question that each must answer. */
export async function startPeers(
  stack: AsyncDisposableStack,
  addresses: ReadonlyMap<string, string>,
  query: Uint8Array,
  report: Report,
): Promise<NameServer[]> {
  const servers: NameServer[] = [];
  for (const peer of [unbound, dnsmasq]) {
    if ((await systemProcesses.run(["sh", "-c", `command -v ${peer.name}`])).code !== 0) {
      report.skip(peer.name, `needs ${peer.name} (apt-get install ${peer.debian})`);
    } else servers.push(stack.use(await start(peer, addresses, query)));
  }
  return servers;
}
