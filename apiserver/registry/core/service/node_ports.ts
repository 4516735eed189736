/**
 * Node ports of a Service, that of its health check included: what it asks for, or what is picked
 * (pkg/registry/core/service/portallocator, initNodePorts, updateNodePorts).
 */
import { type FieldError, fieldError, invalid, statusError } from "../../../../lib/status.ts";
import type { Service, ServicePort } from "../../../../lib/types/core_v1.ts";
import { Service as kind } from "../../../../lib/types/kinds.ts";
import type { AllocateContext, Allocation } from "../../../rest/resource.ts";
import { type Bands, pick, portBand } from "./bands.ts";
import { needsHealthCheck, needsNodePorts, picksNodePorts } from "./traits.ts";

/** Names in it are protocol and number: `TCP/30080`. */
export const nodePortSpace = "nodeports";

const allProtocols = ["TCP", "UDP", "SCTP"];

/** Node ports that a Service holds, as names of claims. */
export function heldNodePorts(service: Service | undefined): string[] {
  if (service === undefined) return [];
  const { ports = [], healthCheckNodePort } = service.spec;
  const names = needsNodePorts(service)
    ? ports.filter(({ nodePort }) => nodePort).map(({ protocol, nodePort }) => `${protocol}/${nodePort}`)
    : [];
  if (needsHealthCheck(service) && healthCheckNodePort) names.push(`TCP/${healthCheckNodePort}`);
  return [...new Set(names)];
}

/** Throws Invalid for ports outside of the range, InternalError when the range is used up. */
export function allocateNodePorts(service: Service, old: Service | undefined, context: AllocateContext): Allocation[] {
  return new NodePorts(service, old, context).allocate();
}

class NodePorts {
  readonly #held: ReadonlySet<string>;
  readonly #taken: ReadonlySet<string>;
  readonly #bands: Bands;
  readonly #asked = new Set<number>();
  readonly #picked = new Set<number>();
  readonly #allocations: Allocation[] = [];
  readonly #errors: FieldError[] = [];

  constructor(readonly service: Service, readonly old: Service | undefined, readonly context: AllocateContext) {
    const { from, to } = context.config.nodePortRange;
    this.#held = new Set(heldNodePorts(old));
    this.#taken = context.taken(nodePortSpace);
    this.#bands = { first: from, dynamic: from + portBand(to - from + 1), last: to };
  }

  allocate(): Allocation[] {
    const { spec, metadata } = this.service;
    const ports = needsNodePorts(this.service) ? spec.ports ?? [] : [];
    ports.forEach((port, i) => {
      if (port.nodePort) this.#take(port.protocol!, port.nodePort, `spec.ports[${i}].nodePort`);
    });
    if (needsHealthCheck(this.service) && spec.healthCheckNodePort) {
      this.#take("TCP", spec.healthCheckNodePort, "spec.healthCheckNodePort");
    }
    if (this.#errors.length > 0) throw invalid(kind, metadata.name, this.#errors);
    if (picksNodePorts(this.service)) { for (const port of ports) this.#pickFor(port, ports); }
    if (needsHealthCheck(this.service) && !spec.healthCheckNodePort) {
      spec.healthCheckNodePort = this.#pick("a HealthCheck NodePort 0");
      this.#claim("TCP", spec.healthCheckNodePort);
    }
    return this.#allocations;
  }

  /** What was asked for, or is had already. */
  #take(protocol: string, nodePort: number, path: string): void {
    const { first, last } = this.#bands;
    const had = this.#held.has(`${protocol}/${nodePort}`);
    if (!had && (nodePort < first || nodePort > last)) {
      const detail = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      this.#errors.push(fieldError.invalid(path, nodePort, detail));
    }
    this.#asked.add(nodePort);
    this.#claim(protocol, nodePort, fieldError.invalid(path, nodePort, "provided port is already allocated"));
  }

  #pickFor(port: ServicePort, all: readonly ServicePort[]): void {
    if (port.nodePort) return;
    // A new Service's TCP and UDP on one number share a node port, too.
    const twin = this.old === undefined ? all.find((other) => other.port === port.port && other.nodePort) : undefined;
    port.nodePort = twin?.nodePort ?? this.#pick("a nodePort");
    const path = `spec.ports[${all.indexOf(port)}].nodePort`;
    // With a number that was asked for there is nothing else to try.
    const refused = fieldError.invalid(path, port.nodePort, "provided port is already allocated");
    this.#claim(port.protocol!, port.nodePort, this.#asked.has(port.nodePort) ? refused : undefined);
  }

  /** A number that is free for every protocol: the next port of the Service may want it for another one. */
  #pick(what: string): number {
    const isTaken = (n: number) =>
      this.#asked.has(n) || this.#picked.has(n) ||
      allProtocols.some((protocol) => this.#taken.has(`${protocol}/${n}`));
    const nodePort = pick(this.#bands, this.context.random, isTaken);
    if (nodePort === undefined) {
      throw statusError("InternalError", `Internal error occurred: failed to allocate ${what}: range is full`);
    }
    this.#picked.add(nodePort);
    return nodePort;
  }

  #claim(protocol: string, nodePort: number, refused?: FieldError): void {
    const claim = {
      do: "take",
      space: nodePortSpace,
      name: `${protocol}/${nodePort}`,
      owner: this.service.metadata.uid,
    };
    this.#allocations.push({ claim, ...(refused === undefined ? {} : { refused }) } as Allocation);
  }
}
