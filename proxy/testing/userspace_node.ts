/**
 * Runs in the node's network namespace of a test: the userspace data plane with the Services of the world. Orders come over a unix socket,
 * one JSON line each: endpoints that a Service has from now on (by address; `null`: the Service is gone), `check` or `close`.
 * `userspace_node.ts SOCKET`
 */
import { systemClock } from "../../lib/seams/clock.ts";
import { systemProcesses } from "../../lib/seams/process.ts";
import type { ServiceEntry } from "../model.ts";
import { UserspacePlane } from "../userspace/plane.ts";
import { net, node, only, services } from "./world.ts";

export interface NodeOrder {
  load?: true;
  change?: Record<string, string[] | null>;
  check?: true;
  close?: true;
}

const [path] = Deno.args;

export function planeOfWorld(): UserspacePlane {
  return new UserspacePlane({
    clock: systemClock,
    processes: systemProcesses,
    ...net,
    nodePortAddress: "0.0.0.0",
    nodeAddresses: () => node.addresses,
    allNodeAddresses: () => [...node.addresses, "198.51.100.9"],
  });
}

async function carryOut(plane: UserspacePlane, order: NodeOrder): Promise<unknown> {
  const all = new Map(services().map((entry) => [entry.key, entry]));
  if (order.load) await plane.load(all);
  if (order.change !== undefined) {
    const changes = Object.entries(order.change).map(([key, ips]): [string, ServiceEntry | undefined] => [
      key,
      ips === null ? undefined : only(all.get(key)!, ...ips),
    ]);
    await plane.change(new Map(changes));
  }
  if (order.check) return await plane.check();
  if (order.close) await plane.close();
  return [];
}

async function main(): Promise<void> {
  const plane = planeOfWorld();
  for await (const conn of Deno.listen({ transport: "unix", path: path! })) {
    let rest = "";
    for await (const text of conn.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const answer = await carryOut(plane, JSON.parse(line)).catch((error) => [String(error)]);
        await conn.write(new TextEncoder().encode(JSON.stringify(answer) + "\n"));
      }
    }
  }
}

if (import.meta.main) await main();
