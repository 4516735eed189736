/**
 * The part of nftables' language that the proxy uses, as values: what text.ts prints, trace.ts walks and diff.ts compares.
 * A rule is what must hold, then what is done; the last thing done may be a verdict.
 */

export type Field = "ip saddr" | "ip daddr" | "meta l4proto" | "th dport" | "meta priority";

export type Match =
  /** The field's address lies in one of the ranges. */
  | { if: "in"; field: "ip saddr" | "ip daddr"; ranges: readonly string[]; not?: true }
  /** The concatenated fields are an element of the set. */
  | { if: "set"; fields: readonly Field[]; set: string; not?: true }
  /** The address is one of this host's own. */
  | { if: "own"; field: "saddr" | "daddr" }
  | { if: "protocol"; protocols: readonly ("tcp" | "udp")[] }
  | { if: "port"; protocol: "tcp" | "udp"; port: "dport" | "sport"; is: number }
  /** The packet came in on something else than the loopback interface. */
  | { if: "not-loopback" }
  /** The packet opens a connection. */
  | { if: "new" }
  /** The connection's destination was rewritten. */
  | { if: "dnat" }
  | { if: "mark"; set: boolean };

export type Statement =
  | { do: "mark"; set: boolean }
  /** The packet's priority becomes the number of an endpoint: 0 … modulus-1 in turn, plus offset. */
  | { do: "turn"; modulus: number; offset: number }
  | { do: "priority-none" }
  /** The source address is (still) an element of the set, for so many seconds. */
  | { do: "remember"; set: string; seconds: number }
  | { do: "goto" | "jump"; chain: string }
  /** Goes where the map says; nothing there: on to the next rule. */
  | { do: "vmap"; fields: readonly Field[]; map: string }
  | { do: "dnat"; ip: string; port: number }
  /** Rewrites the destination to what the map says of the priority; nothing there: on to the next rule. */
  | { do: "dnat-map"; map: string }
  /** `reset` answers TCP with a reset and lets other protocols pass on; `reject` answers with "port unreachable". */
  | { do: "masquerade" | "reset" | "reject" | "drop" | "return" | "notrack" };

export interface Rule {
  readonly match: readonly Match[];
  readonly then: readonly Statement[];
}

export interface Hook {
  readonly type: "nat" | "filter";
  readonly at: "prerouting" | "output" | "postrouting" | "input" | "forward";
  readonly priority: number;
}

export interface Chain {
  readonly hook?: Hook;
  readonly rules: readonly Rule[];
}

/** A set or map of fixed name; its elements come from the Services. `data` absent: a set. */
export interface SetType {
  readonly key: string;
  readonly data?: string;
}

/** A set that the kernel fills: clients that an endpoint remembers. */
export interface MemorySet {
  readonly seconds: number;
}

export const match = {
  from: (...ranges: string[]): Match => ({ if: "in", field: "ip saddr", ranges }),
  notFrom: (...ranges: string[]): Match => ({ if: "in", field: "ip saddr", ranges, not: true }),
  to: (...ranges: string[]): Match => ({ if: "in", field: "ip daddr", ranges }),
  notTo: (...ranges: string[]): Match => ({ if: "in", field: "ip daddr", ranges, not: true }),
  element: (set: string, ...fields: Field[]): Match => ({ if: "set", fields, set }),
  ownSource: { if: "own", field: "saddr" } as Match,
  ownDestination: { if: "own", field: "daddr" } as Match,
  opening: { if: "new" } as Match,
  rewritten: { if: "dnat" } as Match,
  marked: { if: "mark", set: true } as Match,
  unmarked: { if: "mark", set: false } as Match,
  notLoopback: { if: "not-loopback" } as Match,
};

export function rule(matches: readonly Match[], ...then: Statement[]): Rule {
  return { match: matches, then };
}
