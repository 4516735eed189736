/**
 * sessionAffinity ClientIP: each endpoint has a set of the clients that it served, which the kernel fills and forgets. A client that an
 * endpoint remembers goes there; another takes its turn. The set goes with its endpoint, so nobody is sent to one that is gone.
 * Names say Service, port and endpoint, so that a restarted proxy finds the sets again and keeps what is in them.
 */
import type { Backend, PortEntry } from "../model.ts";
import { match, type Rule, rule } from "./rule.ts";

export function affinitySetName(port: Pick<PortEntry, "id">, backend: Backend): string {
  return `aff/${port.id}/${backend.ip}/${backend.port}`;
}

/** The first rules of a pool's chain. */
export function stickyRules(port: PortEntry, backends: readonly Backend[]): Rule[] {
  return backends.map((backend) => {
    const name = affinitySetName(port, backend);
    return rule([match.element(name, "ip saddr")], { do: "goto", chain: name });
  });
}

/** The chain of each endpoint has the name of its set. */
export function endpointChains(port: PortEntry, backends: readonly Backend[]): [string, Rule[]][] {
  return backends.map((backend) => {
    const name = affinitySetName(port, backend);
    return [name, [
      rule([], { do: "remember", set: name, seconds: port.affinitySeconds! }),
      rule([{ if: "protocol", protocols: [port.protocol] }], { do: "dnat", ip: backend.ip, port: backend.port }),
    ]];
  });
}
