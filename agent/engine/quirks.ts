/** What differs between engines that speak the same API: docker.ts and podman.ts say how, client.ts asks here. */
import type { ContainerSpec, ContainerState, EngineAction, ResourceUpdate, Ulimit } from "./engine.ts";
import type { EngineErrorCode } from "./error.ts";

export interface Quirks {
  readonly name: "docker" | "podman";
  /** Starting a container also starts the one whose network it joins. */
  readonly startsDependencies: boolean;
  /** Ulimits to send when a spec names none; undefined: leave it to the engine. */
  readonly ulimits?: readonly Ulimit[];
  /** Adjusts the body of a create request, made for an engine without quirks. */
  createBody(body: CreateBody, spec: ContainerSpec): Promise<CreateBody>;
  /** How the limits of the running container with this id are changed: a path, with a version when it is not the driver's, and a body. */
  update(id: string, resources: ResourceUpdate): { readonly path: string; readonly json: unknown };
  /** The engine's own `since` for logs. */
  since(ms: number): string;
  /** Corrects what inspect says. */
  state(state: ContainerState): Promise<ContainerState>;
  readonly actions: Readonly<Record<string, EngineAction>>;
  /** A code for an answer that the shared table of client.ts would not recognise. */
  errorCode(operation: string, status: number, message: string): EngineErrorCode | undefined;
}

/** The body of POST /containers/create, as far as it is used here. */
export interface CreateBody {
  Image: string;
  HostConfig: HostConfig;
  Hostname?: string;
  [field: string]: unknown;
}

export interface HostConfig {
  NetworkMode: string;
  UTSMode?: string;
  Ulimits?: readonly { Name: string; Soft: number; Hard: number }[];
  SecurityOpt?: readonly string[];
  LogConfig?: { Type: string; Config: Record<string, string> };
  [field: string]: unknown;
}
