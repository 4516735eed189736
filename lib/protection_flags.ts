/** Settings that keep the API server from its clients' excesses: flags of its own, and of `start`, which passes them on. */
import { whole } from "./flags.ts";
import { readsInFlightMax, writesInFlightMax } from "./limits.ts";

const requests = { from: 1, to: 1_000_000 } as const;

export const protectionFlags = {
  "max-requests-inflight": whole(
    "requests in work at once, together with the next: shared out by priority and fairness",
    readsInFlightMax,
    requests,
  ),
  "max-mutating-requests-inflight": whole("as the one before", writesInFlightMax, requests),
};
