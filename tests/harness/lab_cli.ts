/**
 * Several hosts on one machine, to try things by hand:
 *   deno task lab up [podman docker ...]     makes them and stays; Ctrl-C removes them
 *   deno task lab exec h1 [command ...]      runs a command on a host; `client` is the machine outside of the cluster
 *   deno task lab down                       removes what a killed `up` left
 * One lab at a time: it is called `try`. Needs root.
 */
import { findBusybox } from "./image.ts";
import { loadImages } from "./images.ts";
import type { EngineKind } from "./lab/engine.ts";
import { createLab, Lab, removeLab } from "./lab/lab.ts";

const name = "try";
const prefix = "10.99.9";
const isEngine = (word: string): word is EngineKind => word === "podman" || word === "docker";
// deno-lint-ignore no-console
const say = console.log;

async function up(words: readonly string[]): Promise<void> {
  const wrong = words.find((word) => !isEngine(word));
  if (wrong !== undefined) throw new Error(`${wrong}: an engine is podman or docker`);
  const hosts = words.length === 0 ? ["podman", "docker"] as const : words.filter(isEngine);
  const stop = Promise.withResolvers<void>();
  for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, () => stop.resolve());
  await using lab = await createLab({ name, hosts, prefix });
  for (const host of lab.hosts) {
    if (findBusybox() !== undefined) await loadImages(host);
    say(`${host.name}  ${host.ip}  ${host.engine}  --engine ${host.engineSocket}`);
  }
  say(`client  ${lab.clientIp()}, on the LAN, outside of the cluster\n`);
  say("deno task lab exec h1 deno task start     in another terminal. Ctrl-C here removes all of it.");
  await stop.promise;
}

/** The hosts of a lab that `up` runs, by the directories that it made. */
function running(): Lab {
  const dir = `/tmp/sauropod-lab-${name}`;
  try {
    const count = [...Deno.readDirSync(dir)].length;
    return new Lab({ tag: `lab-${name}`, prefix, mtu: 1600 }, dir, Array<EngineKind>(count).fill("podman"));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw new Error("no lab is up: deno task lab up");
    throw error;
  }
}

async function exec([where, ...command]: readonly string[]): Promise<number> {
  const lab = running();
  const words = command.length === 0 ? ["bash"] : command;
  const host = lab.hosts.find((one) => one.name === where);
  if (where !== "client" && host === undefined) {
    throw new Error(`${where ?? "no host"}: the hosts are ${lab.hosts.map((one) => one.name).join(", ")} and client`);
  }
  const [program, ...args] = host === undefined ? lab.clientCommand(words) : host.command(words);
  const { code } = await new Deno.Command(program!, { args }).spawn().status;
  return code;
}

const [command, ...words] = Deno.args;
try {
  if (command === "up") await up(words);
  else if (command === "exec") Deno.exit(await exec(words));
  else if (command === "down") await removeLab({ name, hosts: [], prefix });
  else throw new Error("usage: deno task lab up [podman|docker ...] | exec HOST [command ...] | down");
} catch (error) {
  say((error as Error).message);
  Deno.exit(1);
}
Deno.exit(0);
