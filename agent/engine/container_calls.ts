/** The engine's API for containers: create, start, update, kill, remove, list, inspect, logs, events, stats. */
import { sleep } from "../../lib/seams/clock.ts";
import { engineChangeTimeoutMs, engineQueryTimeoutMs } from "../../lib/limits.ts";
import type { Chunk, ContainerState, ContainerStats, ContainerSummary, Engine, EngineEvent } from "./engine.ts";
import { type EventAnswer, eventOf, type InspectAnswer, type ListAnswer, stateOf, summaryOf } from "./answers.ts";
import { type ApiStats, readCgroupStats, statsOf } from "./stats.ts";
import { createBody } from "./create_body.ts";
import { demux, jsonLines, plain } from "./demux.ts";
import { EngineError, isEngineError } from "./error.ts";
import type { Api } from "./api.ts";

type ContainerCalls = Pick<
  Engine,
  "list" | "inspect" | "create" | "start" | "update" | "kill" | "remove" | "logs" | "events" | "stats"
>;

export function containerCalls(api: Api): ContainerCalls {
  const inspect = (id: string) => inspectContainer(api, id);
  return {
    inspect,
    list: (labels) => list(api, labels),
    async create(spec) {
      const body = await api.quirks.createBody(createBody(spec), spec);
      const path = `/containers/create?name=${encodeURIComponent(spec.name)}`;
      const call = { method: "POST", path, operation: "create", subject: spec.name, json: body } as const;
      return (await api.json<{ Id: string }>(call, engineChangeTimeoutMs)).Id;
    },
    async start(id) {
      if (api.quirks.startsDependencies) await refuseWithoutDependency(api, id);
      const call = { method: "POST", path: containerPath(id, "/start"), operation: "start", subject: id } as const;
      await api.ok(call, engineChangeTimeoutMs);
    },
    async update(id, resources) {
      await needRunning(api, "update", id);
      const call = { method: "POST", operation: "update", subject: id, ...api.quirks.update(id, resources) } as const;
      await api.ok(call, engineChangeTimeoutMs);
    },
    async kill(id, signal) {
      const path = containerPath(id, `/kill?signal=${encodeURIComponent(signal)}`);
      try {
        await api.ok({ method: "POST", path, operation: "kill", subject: id }, engineQueryTimeoutMs);
      } catch (error) {
        // It has ended in the meantime, which is what was wanted.
        if (!isEngineError(error, "not_running", "conflict", "not_found")) throw error;
      }
    },
    remove: (id, options) => remove(api, id, options),
    logs: (id, options) => logs(api, id, options ?? {}),
    events: (options) => events(api, options),
    stats: (id) => stats(api, id),
  };
}

export function containerPath(id: string, rest: string): string {
  return `/containers/${encodeURIComponent(id)}${rest}`;
}

function filters(fields: Record<string, readonly string[]>): string {
  return encodeURIComponent(JSON.stringify(fields));
}

function labelFilter(labels: Readonly<Record<string, string>>): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

async function list(api: Api, labels: Readonly<Record<string, string>>): Promise<ContainerSummary[]> {
  const path = `/containers/json?all=true&filters=${filters({ label: labelFilter(labels) })}`;
  const call = { method: "GET", path, operation: "list containers", subject: "" } as const;
  return (await api.json<ListAnswer[]>(call, engineQueryTimeoutMs)).map(summaryOf);
}

/** Undefined when there is none. */
export async function inspectContainer(api: Api, id: string): Promise<ContainerState | undefined> {
  const call = { method: "GET", path: containerPath(id, "/json"), operation: "inspect", subject: id } as const;
  for (let looks = 1;; looks++) {
    try {
      return await api.quirks.state(stateOf(await api.json<InspectAnswer>(call, engineQueryTimeoutMs)));
    } catch (error) {
      if (isEngineError(error, "not_found")) return undefined;
      // Podman has looked for the process in /proc just when it ended.
      const ended = isEngineError(error) && /\/proc\/\d+\/.*no such process/.test(error.detail);
      if (!ended || looks === 5) throw error;
      await sleep(api.clock, 20);
    }
  }
}

/** The container, which must be there. */
export async function need(api: Api, operation: string, id: string): Promise<ContainerState> {
  const state = await inspectContainer(api, id);
  if (state === undefined) throw new EngineError("not_found", operation, id, "no such container");
  return state;
}

/** An engine that starts the holder of a pod's network by itself would start it without an address. */
async function refuseWithoutDependency(api: Api, id: string): Promise<void> {
  const call = { method: "GET", path: containerPath(id, "/json"), operation: "start", subject: id } as const;
  const answer = await api.json<InspectAnswer>(call, engineQueryTimeoutMs);
  const joined = answer.HostConfig?.NetworkMode.match(/^container:(.+)$/)?.[1];
  if (joined === undefined || (await inspectContainer(api, joined))?.status === "running") return;
  throw new EngineError("start_failed", "start", id, `the container whose network it joins does not run: ${joined}`);
}

async function remove(api: Api, id: string, options: { force: boolean }): Promise<void> {
  const path = containerPath(id, `?v=true&force=${options.force}`);
  const call = { method: "DELETE", path, operation: "remove", subject: id } as const;
  for (let waits = 0;; waits++) {
    try {
      await api.ok(call, engineChangeTimeoutMs);
      return;
    } catch (error) {
      if (isEngineError(error, "not_found")) return;
      // Somebody else removes it as well (Docker), or it is ending at this very moment (Podman). It is gone when inspect says so.
      const passing = isEngineError(error) && /already in progress|container state improper/.test(error.detail);
      if (!passing || waits >= 50) throw error;
      await sleep(api.clock, 100);
      if (await inspectContainer(api, id) === undefined) return;
    }
  }
}

async function* logs(api: Api, id: string, options: NonNullable<Parameters<Engine["logs"]>[1]>): AsyncGenerator<Chunk> {
  const state = await need(api, "logs", id);
  const query = new URLSearchParams({
    stdout: String(options.stdout ?? true),
    stderr: String(options.stderr ?? true),
    follow: String(options.follow ?? false),
    timestamps: String(options.timestamps ?? false),
    tail: options.tail === undefined ? "all" : String(options.tail),
    ...(options.sinceMs === undefined ? {} : { since: api.quirks.since(options.sinceMs) }),
  });
  const path = containerPath(id, `/logs?${query}`);
  const call = { method: "GET", path, operation: "logs", subject: id, signal: options.signal } as const;
  try {
    const body = await api.stream(call, options.follow ? 0 : engineQueryTimeoutMs);
    yield* (state.tty ? plain : demux)(body);
  } catch (error) {
    if (!options.signal?.aborted) throw error;
  }
}

async function* events(api: Api, options: Parameters<Engine["events"]>[0]): AsyncGenerator<EngineEvent> {
  const path = `/events?filters=${filters({ type: ["container"], label: labelFilter(options.labels) })}`;
  const call = { method: "GET", path, operation: "events", subject: "", signal: options.signal } as const;
  try {
    const body = await api.stream(call, 0);
    options.onOpen?.();
    for await (const line of jsonLines(body)) {
      const event = eventOf(line as EventAnswer, api.quirks);
      if (event !== undefined) yield event;
    }
  } catch (error) {
    if (!options.signal.aborted) throw error;
  }
}

async function needRunning(api: Api, operation: string, id: string): Promise<ContainerState> {
  const state = await need(api, operation, id);
  if (state.status !== "running" && state.status !== "paused") {
    throw new EngineError("not_running", operation, id, `it is ${state.status}`);
  }
  return state;
}

async function stats(api: Api, id: string): Promise<ContainerStats> {
  const state = await needRunning(api, "stats", id);
  // The kernel says more than Podman, and at once.
  const read = await readCgroupStats(state.pid, api.clock.now());
  if (read !== undefined) return read;
  const path = containerPath(id, "/stats?stream=false&one-shot=true");
  const call = { method: "GET", path, operation: "stats", subject: id } as const;
  return statsOf(await api.json<ApiStats>(call, engineQueryTimeoutMs), api.clock.now());
}
