/** The scheduler: gives every pod a Node. `runScheduler` is all that its host needs. */
export { runScheduler, schedulerName, type SchedulerOptions } from "./scheduler.ts";
export { SchedulerStats } from "./stats.ts";
