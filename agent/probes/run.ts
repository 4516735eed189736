/** Runs one probe once. */
import type { Clock } from "../../lib/seams/clock.ts";
import type { Probe } from "../../lib/types/core_v1.ts";
import type { Engine } from "../engine/engine.ts";
import { probeExec } from "./exec.ts";
import { probeGrpc } from "./grpc.ts";
import { httpGetOf, probeHttp } from "./http.ts";
import { type Outcome, timingOf } from "./machine.ts";
import { PortError, portOf, type ProbeTarget } from "./target.ts";
import { probeTcp } from "./tcp.ts";

export async function runProbe(
  probe: Probe,
  { container, containerId, podIP }: ProbeTarget,
  { engine, clock }: { engine: Pick<Engine, "exec">; clock: Clock },
): Promise<Outcome> {
  const limits = { timeoutMs: timingOf(probe).timeoutMs, clock };
  try {
    if (probe.exec !== undefined) {
      return await probeExec(engine, { containerId, command: probe.exec.command ?? [] }, limits);
    }
    if (probe.httpGet !== undefined) return await probeHttp(httpGetOf(probe.httpGet, container, podIP), limits);
    if (probe.tcpSocket !== undefined) {
      const { host, port } = probe.tcpSocket;
      return await probeTcp(
        { host: host === undefined || host === "" ? podIP : host, port: portOf(container, port) },
        limits,
      );
    }
    if (probe.grpc !== undefined) {
      return await probeGrpc({ host: podIP, port: probe.grpc.port, service: probe.grpc.service ?? "" }, limits);
    }
    return { result: "unknown", message: `missing probe handler for ${container.name}` };
  } catch (error) {
    if (error instanceof PortError) return { result: "unknown", message: error.message };
    throw error;
  }
}
