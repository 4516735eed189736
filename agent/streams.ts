/** Which container a log, an exec, an attach or a port-forward is about. */
import type { Assigned } from "./pods/assigned.ts";
import type { NodeParts } from "./pods/pod_context.ts";
import type { PodWorkers } from "./pods/workers.ts";
import type { Streams } from "./server.ts";

export function createAgentStreams(_parts: { parts: NodeParts; assigned: Assigned; workers: PodWorkers }): Streams {
  return {
    handle: () => Promise.resolve(new Response("streams\n", { status: 501 })),
    handleUpgrade: (_request, socket) => void socket.end("HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"),
  };
}
