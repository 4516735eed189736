/** Lets everything else that is due run: for long computations that must not hold up others. No time passes by intent. */
import { setImmediate } from "node:timers";

/** Resolves in the event loop's next turn, after what I/O has brought meanwhile. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(() => resolve());
  });
}
