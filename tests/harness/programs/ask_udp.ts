/**
 * Run on a lab host: sends one datagram each from COUNT sockets, one after another, and prints each answer on a line. All stay open until
 * the end: a port that is used again goes where it went before.
 *   deno run -A ask_udp.ts ADDRESS PORT COUNT
 */
import { createSocket } from "node:dgram";

const [address, port, count] = Deno.args;

for (let i = 0; i < Number(count); i++) {
  const socket = createSocket("udp4");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  socket.on("message", (message) => resolve(message.toString()));
  socket.on("error", reject);
  const timeout = setTimeout(() => reject(new Error(`no answer to datagram ${i} within 2 s`)), 2000);
  socket.send(`${i}\n`, Number(port), address!);
  Deno.stdout.writeSync(new TextEncoder().encode(await promise));
  clearTimeout(timeout);
}
Deno.exit(0);
