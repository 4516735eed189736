/** Runs lifecycle hooks: exec, httpGet, tcpSocket, sleep (kubelet: pkg/kubelet/lifecycle). */
import type { Clock } from "../../lib/seams/clock.ts";
import { sleep } from "../../lib/seams/clock.ts";
import type { Container, LifecycleHandler } from "../../lib/types/core_v1.ts";
import type { Engine } from "../engine/engine.ts";
import { execCommand } from "../probes/exec.ts";
import { httpGetOf, probeHttp } from "../probes/http.ts";
import { portOf } from "../probes/target.ts";
import { probeTcp } from "../probes/tcp.ts";

export interface HookTarget {
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
}

/** How long a postStart hook may take; kubelet lets it go on as long as the container runs. ms */
export const postStartTimeoutMs = 3_600_000;

/** Answers why the hook failed; undefined when it went well. */
export async function runHook(
  handler: LifecycleHandler,
  { container, containerId, podIP }: HookTarget,
  { engine, clock, timeoutMs, signal }: {
    engine: Pick<Engine, "exec">;
    clock: Clock;
    timeoutMs: number;
    signal: AbortSignal;
  },
): Promise<string | undefined> {
  try {
    if (handler.sleep !== undefined) {
      await sleep(clock, Math.min(timeoutMs, handler.sleep.seconds * 1000), signal);
      return undefined;
    }
    if (handler.exec !== undefined) {
      const command = handler.exec.command ?? [];
      const { exitCode, output } = await execCommand(engine, { containerId, command }, { timeoutMs, clock });
      if (exitCode === 0) return undefined;
      const said = output === "" ? "" : `, message: ${JSON.stringify(output.slice(0, 1024))}`;
      return exitCode === undefined ? "it did not end in time" : `exit code ${exitCode}${said}`;
    }
    if (handler.httpGet !== undefined) {
      const get = httpGetOf(handler.httpGet, container, podIP);
      const { result, message } = await probeHttp({
        ...get,
        headers: { ...get.headers, "user-agent": "kube-lifecycle/1.36" },
      }, {
        timeoutMs,
        clock,
      });
      return result === "success" ? undefined : message;
    }
    if (handler.tcpSocket !== undefined) {
      const { host, port } = handler.tcpSocket;
      const { result, message } = await probeTcp({ host: host || podIP, port: portOf(container, port) }, {
        timeoutMs,
        clock,
      });
      return result === "success" ? undefined : message;
    }
    return "the hook has no handler";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
