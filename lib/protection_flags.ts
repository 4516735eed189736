/** Settings that keep the API server from its clients' excesses: flags of its own, and of `start`, which passes them on. */
import { text, whole } from "./flags.ts";
import { readsInFlightMax, writesInFlightMax } from "./limits.ts";

const requests = { from: 1, to: 1_000_000 } as const;

export const protectionFlags = {
  "max-requests-inflight": whole(
    "requests in work at once, together with the next: shared out by priority and fairness",
    readsInFlightMax,
    requests,
  ),
  "max-mutating-requests-inflight": whole("as the one before", writesInFlightMax, requests),
  "audit-policy-file": text(
    "what the audit log says of which request (audit.k8s.io/v1 Policy); default: nothing",
    "FILE",
  ),
  "audit-log-path": text("where the audit log is written; - is standard output", "FILE"),
  "audit-log-maxsize": whole("megabytes of an audit log file before it is put aside", 100, { from: 1, to: 100_000 }),
  "audit-log-maxbackup": whole("audit log files put aside that are kept; 0: all", 100, { from: 0, to: 100_000 }),
  "audit-log-maxage": whole("days for which they are kept; 0: for ever", 366, { from: 0, to: 100_000 }),
};
