/** What a probe is run against. Pure. */
import type { Container, Pod } from "../../lib/types/core_v1.ts";

export interface ProbeTarget {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIP: string;
  readonly startedMs: number;
  /** The pod is going: only readiness is still asked. */
  readonly terminating: boolean;
  /** What the API was told of this very container before the agent was restarted. */
  readonly known?: { readonly started: boolean; readonly ready: boolean };
}

export class PortError extends Error {
  override name = "PortError";
}

/** A port by number or by its name among the container's. Throws PortError. */
export function portOf(container: Container, port: number | string): number {
  const named = typeof port === "string" && !/^\d+$/.test(port)
    ? container.ports?.find(({ name }) => name === port)?.containerPort
    : Number(port);
  if (named === undefined) {
    throw new PortError(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`);
  }
  if (!(named > 0 && named < 65536)) throw new PortError(`invalid port number: ${named}`);
  return named;
}

/** `10.0.0.1:80`, `[fd00::1]:80` */
export const hostPort = (host: string, port: number): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;
