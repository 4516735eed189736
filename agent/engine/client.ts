/**
 * The driver: Engine over the Docker-compatible HTTP API on a unix socket, for Docker (20.10 and later) and Podman (4.3
 * and later). Version 1.41 of the API is spoken, or the oldest that the engine still takes when that is newer.
 */
import { engineConnectTimeoutMs, engineQueryTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Processes } from "../../lib/seams/process.ts";
import { type InfoAnswer, infoOf, type VersionAnswer } from "./answers.ts";
import { Api } from "./api.ts";
import { containerCalls } from "./container_calls.ts";
import { dockerQuirks } from "./docker.ts";
import type { Engine } from "./engine.ts";
import { EngineError } from "./error.ts";
import { execCalls } from "./exec_calls.ts";
import { SocketHttp } from "./http.ts";
import { imageCalls } from "./image_calls.ts";
import { podmanQuirks, podmanUlimits } from "./podman.ts";

const wantedVersion = "1.41";

export interface EngineOptions {
  /** How long the first answer may take. Default: engineConnectTimeoutMs. */
  readonly timeoutMs?: number;
  readonly socketPath: string;
  readonly clock: Clock;
  readonly processes: Processes;
}

/** Connects and asks which engine it is. Throws EngineError `unavailable`, `timeout` or, for one that is too old, `invalid`. */
export async function connectEngine(options: EngineOptions): Promise<Engine> {
  const http = new SocketHttp(options.socketPath, options.clock);
  const call = { method: "GET", path: "/version", operation: "connect", subject: options.socketPath } as const;
  const answer = await http.request(call, options.timeoutMs ?? engineConnectTimeoutMs);
  if (answer.status !== 200) {
    throw new EngineError(
      "invalid",
      "connect",
      options.socketPath,
      `not a container engine: HTTP ${answer.status} for /version`,
    );
  }
  const version = JSON.parse(answer.text) as VersionAnswer;
  const isPodman = (version.Components ?? []).some((component) => component.Name === "Podman Engine");
  const quirks = isPodman ? podmanQuirks({ processes: options.processes, ulimits: await ownUlimits() }) : dockerQuirks;
  const api = new Api(http, speak(version, options.socketPath), quirks);
  return {
    name: quirks.name,
    version: version.Version,
    async info() {
      const info = { method: "GET", path: "/info", operation: "info", subject: "" } as const;
      return infoOf(
        await api.json<InfoAnswer>(info, engineQueryTimeoutMs),
        { ...version, ApiVersion: api.version },
        quirks,
      );
    },
    ...containerCalls(api),
    ...execCalls(api),
    ...imageCalls(api),
    close: () => http.close(),
  };
}

/** The version of the API to speak. Throws EngineError `invalid`. */
function speak(version: VersionAnswer, socketPath: string): string {
  if (compareVersions(version.ApiVersion, wantedVersion) < 0) {
    const why =
      `its API has version ${version.ApiVersion}, ${wantedVersion} is needed: Docker 20.10 or Podman 4.3, or later`;
    throw new EngineError("invalid", "connect", socketPath, why);
  }
  const oldest = version.MinAPIVersion ?? wantedVersion;
  return compareVersions(oldest, wantedVersion) > 0 ? oldest : wantedVersion;
}

function compareVersions(a: string, b: string): number {
  const [x, y] = [a.split(".").map(Number), b.split(".").map(Number)];
  return (x[0] ?? 0) - (y[0] ?? 0) || (x[1] ?? 0) - (y[1] ?? 0);
}

async function ownUlimits() {
  const [limits, status] = await Promise.all([
    Deno.readTextFile("/proc/self/limits"),
    Deno.readTextFile("/proc/self/status"),
  ]);
  return podmanUlimits(limits, status);
}
