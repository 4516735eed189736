/**
 * A program of its own, started in a pod's network namespace by pod_dialer.ts: it listens on a unix socket (files are not
 * bound to a network namespace) and joins each connection to a port of the pod's loopback.
 *
 *   nsenter -t PID -n deno run … netns_relay.ts SOCKET IDLE_MS
 *
 * A client sends `PORT\n` and gets one byte: 0 for connected, 1 when nothing listens there (then the reason, then the end).
 * It ends when it has been without connections for IDLE_MS.
 */
import { systemClock } from "../../lib/seams/clock.ts";

const [path, idleMs] = Deno.args;
if (path === undefined || idleMs === undefined) throw new Error("usage: netns_relay.ts SOCKET IDLE_MS");

const listener = Deno.listen({ transport: "unix", path });
let open = 0;
let cancel = () => {};

function idle(): void {
  cancel();
  if (open === 0) cancel = systemClock.after(Number(idleMs), () => Deno.exit(0));
}

async function copy(from: Deno.Conn, to: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  for (let n = await from.read(buffer); n !== null; n = await from.read(buffer)) {
    for (let at = 0; at < n;) at += await to.write(buffer.subarray(at, n));
  }
  await to.closeWrite();
}

async function readPort(conn: Deno.Conn): Promise<number> {
  let text = "";
  const byte = new Uint8Array(1);
  while (text.length < 6 && await conn.read(byte) !== null && byte[0] !== 10) text += String.fromCharCode(byte[0]!);
  return Number(text);
}

async function dial(port: number): Promise<Deno.TcpConn> {
  try {
    return await Deno.connect({ hostname: "127.0.0.1", port });
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionRefused)) throw error;
    return await Deno.connect({ hostname: "::1", port });
  }
}

async function serve(client: Deno.Conn): Promise<void> {
  let pod: Deno.TcpConn;
  try {
    pod = await dial(await readPort(client));
  } catch (error) {
    const reason = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
    await client.write(new Uint8Array([1, ...reason]));
    return;
  }
  pod.setNoDelay(true);
  await client.write(new Uint8Array([0]));
  // One that breaks takes the other along.
  const leave = () => close(pod);
  await Promise.all([copy(client, pod).catch(leave), copy(pod, client).catch(leave)]);
  close(pod);
}

function close(conn: Deno.Conn): void {
  try {
    conn.close();
  } catch (error) {
    // It has been closed already.
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

idle();
for await (const client of listener) {
  open++;
  idle();
  void serve(client).catch(() => {}).finally(() => {
    close(client);
    open--;
    idle();
  });
}
