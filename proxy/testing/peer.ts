/**
 * Runs in a network namespace of a test: answers TCP and UDP on port 8080 with its name and the address that it sees, and opens
 * connections when told so over a unix socket (one JSON line per order and per answer). `peer.ts SOCKET NAME`
 */
import dgram from "node:dgram";
import { Buffer } from "node:buffer";
import { systemClock } from "../../lib/seams/clock.ts";

export interface Order {
  protocol: "tcp" | "udp";
  to: string;
  port: number;
  count: number;
  timeoutMs: number;
  /** UDP: all from one socket, as one flow. */
  oneSocket?: boolean;
  /** TCP: one connection stays open over all such orders, each of which asks for its next line. */
  hold?: boolean;
}

/** `name address` of who answered, or how it failed. */
export type Answers = string[];

const [path, name] = Deno.args;

async function serve(): Promise<void> {
  const udp = dgram.createSocket("udp4");
  udp.on("message", (_message, from) => udp.send(Buffer.from(`${name} ${from.address}`), from.port, from.address));
  udp.bind(8080);
  for await (const conn of Deno.listen({ port: 8080, hostname: "0.0.0.0" })) void answer(conn);
}

/** Says who it is, then again for every byte that it gets. */
async function answer(conn: Deno.Conn): Promise<void> {
  try {
    const line = new TextEncoder().encode(`${name} ${(conn.remoteAddr as Deno.NetAddr).hostname}\n`);
    const buffer = new Uint8Array(64);
    do await conn.write(line); while (await conn.read(buffer) !== null);
    conn.close();
  } catch {
    // The opener is gone; so is the reason to answer.
  }
}

async function askTcp(order: Order): Promise<string> {
  const abort = AbortSignal.timeout(order.timeoutMs);
  try {
    const conn = await Deno.connect({ hostname: order.to, port: order.port, signal: abort });
    const buffer = new Uint8Array(256);
    const read = await conn.read(buffer);
    conn.close();
    return new TextDecoder().decode(buffer.subarray(0, read ?? 0)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return "refuse";
    return abort.aborted ? "drop" : String(error);
  }
}

/** ICMP "unreachable" messages that came in: node:dgram does not report them. */
function unreachables(): number {
  const [names, values] = Deno.readTextFileSync("/proc/self/net/snmp").split("\n").filter((line) =>
    line.startsWith("Icmp:")
  );
  return Number(values!.split(" ")[names!.split(" ").indexOf("InDestUnreachs")]);
}

function askUdp(order: Order, socket: dgram.Socket): Promise<string> {
  return new Promise((resolve) => {
    const before = unreachables();
    const cancel = systemClock.after(
      order.timeoutMs,
      () => finish(unreachables() > before ? "refuse" : "drop"),
    );
    const finish = (answer: string) => {
      cancel();
      socket.removeAllListeners();
      resolve(answer);
    };
    socket.on("message", (message) => finish(message.toString()));
    socket.on("error", (error) => finish(String(error)));
    socket.send(Buffer.from("?"));
  });
}

async function udpSocket(order: Order): Promise<dgram.Socket> {
  const socket = dgram.createSocket("udp4");
  await new Promise<void>((resolve) => socket.connect(order.port, order.to, resolve));
  return socket;
}

let held: Deno.Conn | undefined;

/** The next line of the held connection, opened on first use. */
async function askHeld(order: Order): Promise<string> {
  const buffer = new Uint8Array(256);
  if (held === undefined) held = await Deno.connect({ hostname: order.to, port: order.port });
  else await held.write(new Uint8Array(1));
  const read = await held.read(buffer);
  return read === null ? "closed" : new TextDecoder().decode(buffer.subarray(0, read)).trim();
}

let flow: dgram.Socket | undefined;

async function carryOut(order: Order): Promise<Answers> {
  if (order.hold) return [await askHeld(order)];
  const answers: Answers = [];
  for (let i = 0; i < order.count; i++) {
    if (order.protocol === "tcp") answers.push(await askTcp(order));
    else {
      const socket = order.oneSocket ? flow ??= await udpSocket(order) : await udpSocket(order);
      answers.push(await askUdp(order, socket));
      if (!order.oneSocket) socket.close();
    }
  }
  return answers;
}

async function main(): Promise<void> {
  void serve();
  for await (const conn of Deno.listen({ transport: "unix", path: path! })) {
    let rest = "";
    for await (const text of conn.readable.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) {
        const answers = await carryOut(JSON.parse(line));
        await conn.write(new TextEncoder().encode(JSON.stringify(answers) + "\n"));
      }
    }
  }
}

if (import.meta.main) await main();
