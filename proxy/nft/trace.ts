/**
 * Walks a packet that opens a connection through a Table, as the kernel would: for tests of what rules mean, without a kernel.
 * It knows one host's addresses, counts turns per rule, and keeps what memory sets remember (without time: nothing expires).
 */
import { parseRange, rangeHas } from "../ipv4.ts";
import type { Field, Hook, Match, Rule } from "./rule.ts";
import type { Table } from "./ruleset.ts";

export interface Packet {
  from: string;
  to: string;
  protocol?: "tcp" | "udp";
  port: number;
  /** The packet is made on this host; otherwise it comes in from outside or from a pod. */
  local?: true;
}

export interface Outcome {
  /** `accept`: delivered to `to:port`. */
  verdict: "accept" | "drop" | "refuse";
  to: string;
  port: number;
  /** The endpoint sees an address of this host instead of the client's. */
  masqueraded: boolean;
  tracked: boolean;
  /** What is left on the packet when it leaves: marks must not leak. */
  marked: boolean;
  /** Chains that it went through. */
  path: string[];
}

interface Flight {
  saddr: string;
  daddr: string;
  protocol: "tcp" | "udp";
  port: number;
  sport: number;
  local: boolean;
  priority: number;
  marked: boolean;
  rewritten: boolean;
  masqueraded: boolean;
  tracked: boolean;
  path: string[];
}

type Verdict = "accept" | "drop" | "refuse" | "return" | "next" | "nat-done";

export class Tracer {
  readonly #turns = new Map<string, number>();
  readonly #memory = new Map<string, Set<string>>();

  constructor(private table: Table, private readonly own: readonly string[]) {}

  /** The table after a change; turns of chains that stay as they are go on. */
  reload(table: Table): void {
    for (const name of this.#memory.keys()) if (!table.memory.has(name)) this.#memory.delete(name);
    for (const [name, chain] of this.table.chains) {
      if (JSON.stringify(table.chains.get(name)) !== JSON.stringify(chain)) this.#turns.delete(name);
    }
    this.table = table;
  }

  trace(packet: Packet): Outcome {
    const flight: Flight = {
      saddr: packet.from,
      daddr: packet.to,
      protocol: packet.protocol ?? "tcp",
      port: packet.port,
      sport: 40_000,
      local: packet.local === true,
      priority: 0,
      marked: false,
      rewritten: false,
      masqueraded: false,
      tracked: true,
      path: [],
    };
    const first = flight.local ? "output" : "prerouting";
    let verdict = this.#hook(first, flight);
    if (verdict === "accept" && (flight.local || !this.#isOwn(flight.daddr))) {
      verdict = this.#hook("postrouting", flight);
    }
    const { daddr: to, port, masqueraded, tracked, marked, path } = flight;
    return { verdict: verdict as Outcome["verdict"], to, port, masqueraded, tracked, marked, path };
  }

  #isOwn(address: string): boolean {
    return rangeHas("127.0.0.0/8", address) || this.own.includes(address);
  }

  #hook(at: Hook["at"], flight: Flight): Verdict {
    const chains = [...this.table.chains].filter(([, chain]) => chain.hook?.at === at)
      .sort(([, a], [, b]) => a.hook!.priority - b.hook!.priority);
    for (const [name, chain] of chains) {
      if (chain.hook!.type === "nat" && !flight.tracked) continue;
      const verdict = this.#chain(name, flight);
      if (verdict === "drop" || verdict === "refuse") return verdict;
    }
    return "accept";
  }

  #chain(name: string, flight: Flight): Verdict {
    const chain = this.table.chains.get(name);
    if (chain === undefined) throw new Error(`no chain ${name}`);
    flight.path.push(name);
    for (const rule of chain.rules) {
      if (!rule.match.every((match) => this.#holds(match, flight))) continue;
      const verdict = this.#act(rule, name, flight);
      if (verdict === "return") return "next";
      if (verdict !== "next") return verdict;
    }
    return "next";
  }

  #field(field: Field, flight: Flight): string {
    switch (field) {
      case "ip saddr":
        return flight.saddr;
      case "ip daddr":
        return flight.daddr;
      case "meta l4proto":
        return flight.protocol;
      case "th dport":
        return String(flight.port);
      case "meta priority":
        return `${Math.floor(flight.priority / 65536).toString(16)}:${(flight.priority % 65536).toString(16)}`;
    }
  }

  #key(fields: readonly Field[], flight: Flight): string {
    return fields.map((field) => this.#field(field, flight)).join(" . ");
  }

  #holds(match: Match, flight: Flight): boolean {
    switch (match.if) {
      case "in":
        return match.ranges.some((range) =>
          rangeHas(parseRange(range)!, match.field === "ip saddr" ? flight.saddr : flight.daddr)
        ) !== (match.not ?? false);
      case "set": {
        const key = this.#key(match.fields, flight);
        const there = this.table.elements.get(match.set)?.has(key) ?? this.#memory.get(match.set)?.has(key) ?? false;
        return there !== (match.not ?? false);
      }
      case "own":
        return this.#isOwn(match.field === "saddr" ? flight.saddr : flight.daddr);
      case "protocol":
        return match.protocols.includes(flight.protocol);
      case "port":
        return flight.protocol === match.protocol && (match.port === "dport" ? flight.port : flight.sport) === match.is;
      case "not-loopback":
        return !flight.local;
      case "new":
        return flight.tracked;
      case "dnat":
        return flight.rewritten;
      case "mark":
        return flight.marked === match.set;
    }
  }

  #act(rule: Rule, chain: string, flight: Flight): Verdict {
    for (const statement of rule.then) {
      switch (statement.do) {
        case "mark":
          flight.marked = statement.set;
          break;
        case "turn": {
          const turn = this.#turns.get(chain) ?? 0;
          this.#turns.set(chain, turn + 1);
          flight.priority = statement.offset + turn % statement.modulus;
          break;
        }
        case "priority-none":
          flight.priority = 0;
          break;
        case "remember":
          this.#memory.set(statement.set, (this.#memory.get(statement.set) ?? new Set()).add(flight.saddr));
          break;
        case "goto": {
          const verdict = this.#chain(statement.chain, flight);
          return verdict === "next" ? "return" : verdict;
        }
        case "jump":
          return this.#chain(statement.chain, flight);
        case "vmap": {
          const verdict = this.#lookup(statement.map, this.#key(statement.fields, flight), flight);
          if (verdict !== "next") return verdict;
          return "next";
        }
        case "dnat":
          return this.#rewrite(flight, statement.ip, statement.port);
        case "dnat-map": {
          const found = this.table.elements.get(statement.map)?.get(this.#field("meta priority", flight));
          if (found === undefined) return "next";
          const [ip, port] = found.split(" . ");
          return this.#rewrite(flight, ip!, Number(port));
        }
        case "masquerade":
          flight.masqueraded = true;
          return "nat-done";
        case "notrack":
          flight.tracked = false;
          break;
        case "reset":
          if (flight.protocol === "tcp") return "refuse";
          break;
        case "reject":
          return "refuse";
        case "drop":
        case "return":
          return statement.do;
      }
    }
    return "next";
  }

  #lookup(map: string, key: string, flight: Flight): Verdict {
    const value = this.table.elements.get(map)?.get(key);
    if (value === undefined) return "next";
    if (!value.startsWith("goto ")) return value as Verdict;
    const verdict = this.#chain(value.slice(5), flight);
    return verdict === "next" ? "return" : verdict;
  }

  #rewrite(flight: Flight, ip: string, port: number): Verdict {
    flight.daddr = ip;
    flight.port = port;
    flight.rewritten = true;
    return "nat-done";
  }
}
