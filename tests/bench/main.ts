/**
 * `deno task bench [part …]`: how fast and how small, beside what it should be. Every part stands alone; one that cannot run here says why.
 * Figures are of a run on the machine that the first line names, with everything on it: take ratios, not absolutes, to another one.
 */
import { dns } from "./dns.ts";
import { join } from "./join.ts";
import { proxy } from "./proxy.ts";
import { floor } from "./floor.ts";
import { load, machine } from "./machine.ts";
import { memory, pods, start } from "./node.ts";
import { reads, writes } from "./api.ts";
import { heading, PrintedReport, type Report } from "./report.ts";
import { rest } from "./rest.ts";
import { scheduler } from "./scheduler.ts";
import { servicePath } from "./service_path.ts";
import { watch } from "./watch.ts";
import { where } from "./where.ts";

interface Part {
  readonly name: string;
  readonly about: string;
  run(report: Report): Promise<void>;
}

const parts: readonly Part[] = [
  { name: "floor", about: "what this disk allows: etcd and Redis, every write synced", run: floor },
  { name: "api", about: "creates over TLS into a durable Redis", run: writes },
  { name: "reads", about: "GET and LIST over TLS", run: reads },
  { name: "where", about: "where the processor's time of one POST and one GET goes", run: where },
  { name: "watch", about: "watch fan-out over TLS, 50 writes/s", run: watch },
  { name: "start", about: "from the start of the program to a Ready node", run: start },
  { name: "join", about: "from the start of the program on another host to its Ready node", run: join },
  { name: "memory", about: "private memory of each process of a one-host cluster", run: memory },
  { name: "pod", about: "a pod's start beside the engine's own time for the same two containers", run: pods },
  { name: "scheduler", about: "pods bound per second, 1,000 nodes", run: scheduler },
  { name: "proxy", about: "rules for N Services × 5 endpoints into a kernel", run: proxy },
  { name: "path", about: "what a Service costs a connection, beside a direct one", run: servicePath },
  { name: "dns", about: "answers per second over UDP, 1,000 names, beside other name servers", run: dns },
  { name: "rest", about: "the REST machinery alone: no TLS, no Redis", run: rest },
];

// deno-lint-ignore no-console
const print = (text = "") => console.log(text);

async function main(names: readonly string[]): Promise<number> {
  const wrong = names.find((name) => !parts.some((part) => part.name === name));
  if (wrong !== undefined) {
    print(`no part ${wrong}; parts:`);
    for (const { name, about } of parts) print(`  ${name.padEnd(10)} ${about}`);
    return 2;
  }
  print(await machine());
  const busy = load();
  const warning = busy > 0.5 ? ": other programs are at work, so rates are too low and times too long" : "";
  print(`load before: ${busy.toFixed(1)}${warning}`);
  print();
  print(heading);
  const report = new PrintedReport(print);
  for (const { name, about, run } of parts) {
    if (names.length > 0 && !names.includes(name)) continue;
    print();
    print(`${name}: ${about}`);
    try {
      await run(report);
    } catch (error) {
      report.skip(name, String((error as Error).stack ?? error));
    }
  }
  print();
  print(`${report.summary()}; load after: ${load().toFixed(1)}`);
  return 0;
}

Deno.exit(await main(Deno.args));
