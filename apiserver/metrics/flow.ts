/** Priority and fairness (k8s.io/apiserver/pkg/util/flowcontrol/metrics). */
import type { Registry } from "prom-client";
import type { FlowControl, LevelState } from "../flow/flow_control.ts";
import { sampled, sampledDistributions } from "./family.ts";

const level = ["priority_level"];
const both = ["priority_level", "flow_schema"];

const gauges: readonly [name: string, help: string, of: (state: LevelState) => number][] = [
  ["nominal_limit_seats", "Seats that a level has of its own.", ({ nominal }) => nominal],
  ["lower_limit_seats", "Seats that a level keeps when it lends all that it may.", ({ min }) => min],
  ["upper_limit_seats", "Seats that a level has when it borrows all that it may.", ({ max }) => max],
  ["current_limit_seats", "Seats that a level has now.", ({ work }) => work.seats],
  ["request_concurrency_limit", "Seats that a level has of its own.", ({ nominal }) => nominal],
  ["current_executing_seats", "Seats that are in use.", ({ work }) => work.seatsInUse],
  ["demand_seats_smoothed", "Seats that were wanted over the last minutes.", ({ smoothed }) => smoothed],
  ["demand_seats_high_watermark", "The most seats that were wanted in the last period.", ({ highest }) => highest],
];

export function flowMetrics(registry: Registry, flow: FlowControl): void {
  const prefix = "apiserver_flowcontrol_";
  for (const [name, help, of] of gauges) {
    sampled(registry, { name: prefix + name, help, labels: level }, function* () {
      for (const state of flow.levels) yield [[state.name], of(state)];
    });
  }
  const { counts } = flow;
  sampled(registry, {
    name: `${prefix}dispatched_requests_total`,
    help: "Requests that were given a seat.",
    labels: both,
    type: "counter",
  }, function* () {
    for (const count of counts) yield [[count.level, count.schema], count.waited.count];
  });
  sampled(registry, {
    name: `${prefix}rejected_requests_total`,
    help: "Requests that were refused.",
    labels: [...both, "reason"],
    type: "counter",
  }, function* () {
    for (const count of counts) {
      for (const [why, value] of count.refused) yield [[count.level, count.schema, why], value];
    }
  });
  const present: readonly [string, string, "waiting" | "executing"][] = [
    ["current_inqueue_requests", "Requests that wait.", "waiting"],
    ["current_executing_requests", "Requests that have a seat.", "executing"],
  ];
  for (const [name, help, what] of present) {
    sampled(registry, { name: prefix + name, help, labels: both }, function* () {
      for (const count of counts) yield [[count.level, count.schema], count[what]];
    });
  }
  sampledDistributions(registry, {
    name: `${prefix}request_wait_duration_seconds`,
    help: "Time that requests waited for a seat, in seconds.",
    labels: [...both, "execute"],
  }, function* () {
    for (const count of counts) yield [[count.level, count.schema, "true"], count.waited];
  });
}
