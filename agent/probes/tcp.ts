/** TCP probes: a connection that opens is a success (k8s.io/kubernetes/pkg/probe/tcp). */
import net from "node:net";
import type { Clock } from "../../lib/seams/clock.ts";
import { dialError } from "./dial_error.ts";
import type { Outcome } from "./machine.ts";
import { hostPort } from "./target.ts";

export function probeTcp(
  { host, port }: { host: string; port: number },
  { timeoutMs, clock }: { timeoutMs: number; clock: Clock },
): Promise<Outcome> {
  const address = hostPort(host, port);
  return new Promise((resolve) => {
    const socket = net.connect({ host, port });
    const end = (outcome: Outcome) => {
      cancel();
      socket.destroy();
      resolve(outcome);
    };
    const cancel = clock.after(
      timeoutMs,
      () => end({ result: "failure", message: `dial tcp ${address}: i/o timeout` }),
    );
    socket.on("connect", () => end({ result: "success", message: "" }));
    socket.on("error", (error) => end({ result: "failure", message: dialError(error, address) }));
  });
}
