/**
 * The filter of API Priority and Fairness (k8s.io/apiserver/pkg/server/filters/priority-and-fairness.go): a request runs when its level
 * has a seat for it, waits its turn, or is told to come again. Exec, attach, port-forward, logs and proxies are not counted; a watch is
 * until what there was when it began has been sent.
 */
import type { ServerResponse } from "node:http";
import { statusError } from "../../lib/status.ts";
import { afterwards, answerHeader, type AnyContext, type Filter, isLongRunning } from "../filters.ts";
import type { FlowControl } from "./flow_control.ts";
import { isTurn, type Refusal, type Seat, type Turn } from "./level.ts";
import type { FlowRequest } from "./schema.ts";
import { type CountObjects, seatsOf } from "./work.ts";

export function prioritize(flow: FlowControl, count: CountObjects): Filter {
  return (c) => {
    const info = c.get("info");
    const isWatch = info.verb === "watch";
    // In-process loops bound themselves, and a request of theirs that waited for a seat could hold up all others.
    if (c.env.user !== undefined || (isLongRunning(info) && !isWatch)) return;
    const request: FlowRequest = { user: c.get("user"), info };
    const { schema, level } = flow.classify(request);
    answerHeader(c, "X-Kubernetes-PF-FlowSchema-UID", schema.uid);
    answerHeader(c, "X-Kubernetes-PF-PriorityLevel-UID", level.uid);
    const asked = flow.ask({ schema, level }, request, seatsOf(info, c.req.raw.url, count));
    const go = (seat: Seat | Refusal) => start(c, seat, () => level.retryAfter.seconds);
    if (typeof asked === "string" || !isTurn(asked)) return go(asked);
    c.get("expired")?.catch(asked.cancel);
    return wait(asked, c.env.outgoing, c.req.raw).then(go);
  };
}

/** Has the seat given back. Throws TooManyRequests where there is none. */
function start(c: AnyContext, seat: Seat | Refusal, retryAfter: () => number): void {
  if (typeof seat === "string") {
    const retryAfterSeconds = retryAfter();
    throw statusError("TooManyRequests", "Too many requests, please try again later.", { retryAfterSeconds });
  }
  const { release, waitedMs } = seat;
  if (waitedMs > 0) c.set("waitedMs", waitedMs);
  const isWatch = c.get("info").verb === "watch";
  if (isWatch) c.set("onStarted", release);
  afterwards(c, () => {
    // A watch says so itself, unless it never began; whose client waits no longer is worked for until it is done.
    const work = c.get("expired") !== undefined && c.error !== undefined ? c.get("work") : undefined;
    if (work !== undefined) void work.finally(release);
    else if (!isWatch || c.res.status !== 200) release();
  });
}

/** Nobody waits for a client that is gone. */
async function wait(turn: Turn, outgoing: ServerResponse | undefined, request: Request): Promise<Seat | Refusal> {
  const { cancel } = turn;
  if (outgoing === undefined) request.signal.addEventListener("abort", cancel, { once: true });
  else outgoing.once("close", cancel);
  try {
    return await turn.comes;
  } finally {
    if (outgoing === undefined) request.signal.removeEventListener("abort", cancel);
    else outgoing.removeListener("close", cancel);
  }
}
