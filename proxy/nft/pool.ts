/** Numbers of endpoints: each pool (the endpoints of a Service port for one policy) has a block of numbers of its own. Pure. */
import { serviceBackendsMax } from "../../lib/limits.ts";
import type { Backend, PortEntry } from "../model.ts";

export interface Pool {
  /** From 1; block 0 is left out because priority 0 means "none". */
  readonly block: number;
  /** The endpoint that each number of the block stands for, without gaps. */
  readonly slots: readonly Backend[];
}

/** `cluster` and `local` of PortEntry. */
export type PoolKind = "cluster" | "local";

export function poolName(port: Pick<PortEntry, "id">, kind: PoolKind): string {
  return `${kind === "cluster" ? "svc" : "loc"}/${port.id}`;
}

/** First number of a pool. */
export function offsetOf(pool: Pool): number {
  return pool.block * serviceBackendsMax;
}

/**
 * `next` in an order that moves as few as possible: who stays keeps its number, a newcomer takes a free one, and a gap that is left is
 * filled from the end.
 */
export function assignSlots(previous: readonly Backend[], next: readonly Backend[]): Backend[] {
  const wanted = new Map(next.map((backend) => [`${backend.ip}:${backend.port}`, backend]));
  const slots: (Backend | undefined)[] = new Array(next.length).fill(undefined);
  previous.forEach((backend, i) => {
    const key = `${backend.ip}:${backend.port}`;
    const stays = wanted.get(key);
    if (stays === undefined || i >= slots.length) return;
    slots[i] = stays;
    wanted.delete(key);
  });
  const rest = wanted.values();
  return slots.map((backend) => backend ?? rest.next().value!);
}

/** Blocks that are free: the lowest first, so that numbers stay small and the same history gives the same numbers. */
export class Blocks {
  #next = 1;
  #free: number[] = [];

  take(): number {
    const block = this.#free.pop() ?? this.#next++;
    // The priority is a number of 32 bits; 0xffffffff means "root".
    if (block >= 2 ** 32 / serviceBackendsMax - 1) {
      throw new Error(`more than ${block - 1} pools of Service endpoints: there are no numbers left for another`);
    }
    return block;
  }

  release(block: number): void {
    this.#free.push(block);
  }
}
