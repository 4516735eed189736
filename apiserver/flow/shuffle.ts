/**
 * Shuffle sharding (k8s.io/apiserver/pkg/util/shufflesharding): each flow is dealt a hand of queues, so that a heavy flow fills its own
 * hand and few others have all of theirs in it. Pure.
 */
import { createHash } from "node:crypto";

/** The first 64 bits of a flow's hash. */
export function hashFlow(schema: string, distinguisher: string): bigint {
  return createHash("sha256").update(`${schema}\0${distinguisher}`).digest().readBigUInt64LE(0);
}

/** `handSize` different queues of `deckSize`, which must be at least as many. The same hash gets the same hand. */
export function deal(hash: bigint, deckSize: number, handSize: number): number[] {
  const remainders: number[] = [];
  let left = hash;
  for (let i = 0; i < handSize; i++) {
    const cards = BigInt(deckSize - i);
    remainders.push(Number(left % cards));
    left /= cards;
  }
  const hand: number[] = [];
  remainders.forEach((remainder, i) => {
    // The remainder counts the cards that are left: those that are taken before it are stepped over.
    let card = remainder;
    for (let j = i; j > 0; j--) if (card >= remainders[j - 1]!) card++;
    hand.push(card);
  });
  return hand;
}
