/** The audit log: a policy that says what is written of a request, and where it is written. */
import type { Clock } from "../../lib/seams/clock.ts";
import { AuditEvent, type Received } from "./event.ts";
import type { AuditLog } from "./log.ts";
import type { AuditLevel, AuditPolicy, AuditStage } from "./policy.ts";
import { judge, type Rules, rulesOf } from "./rules.ts";

export class Audit {
  /** How many requests were written about at which level. */
  readonly requests = new Map<AuditLevel, number>();
  readonly #rules: Rules;

  constructor(policy: AuditPolicy, readonly log: AuditLog, readonly clock: Pick<Clock, "now">) {
    this.#rules = rulesOf(policy);
  }

  /** `undefined`: nothing is to be written about this request. */
  begin(received: Received): AuditEvent | undefined {
    const verdict = judge(this.#rules, received);
    this.requests.set(verdict.level, (this.requests.get(verdict.level) ?? 0) + 1);
    return verdict.level === "None" ? undefined : new AuditEvent(received, verdict);
  }

  /** Writes the line for a stage, if the policy wants it. A promise: the log is full, wait. */
  emit(event: AuditEvent, stage: AuditStage): void | Promise<void> {
    const line = event.line(stage, this.clock.now());
    if (line !== undefined) return this.log.write(line);
  }
}
