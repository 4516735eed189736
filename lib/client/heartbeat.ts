/**
 * A component's regular sign of life is also its test of the way to the API: one that is not answered in time, twice in a row, means that
 * the connections lead nowhere, though nobody has ended them (kubelet: OnHeartbeatFailure closes all connections). Without it a watch
 * goes on only when TCP sends its next byte again: after an outage of minutes that takes up to two more.
 */
import { heartbeatTimeoutMs } from "../limits.ts";
import type { Clock } from "../seams/clock.ts";
import { StatusError } from "../status.ts";

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** The second one in a row, and every further one, was not answered: makes the connections anew. */
  readonly onSilence?: () => void;
  /** The first one that was not answered, and the first one after it that was. */
  readonly onLost?: () => void;
  readonly onFound?: () => void;
}

export class Heartbeat {
  #failures = 0;

  constructor(readonly options: HeartbeatOptions) {}

  /** Rejects as the request does, and when it takes longer than `heartbeatTimeoutMs`. A refusal is an answer. */
  async beat<T>(request: Promise<T>): Promise<T> {
    const { clock } = this.options;
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(heartbeatTimeoutMs, () => {
      late.reject(new Error(`no answer within ${heartbeatTimeoutMs / 1000} s`));
    });
    try {
      const answer = await Promise.race([request, late.promise]);
      this.#answered();
      return answer;
    } catch (error) {
      if (error instanceof StatusError) this.#answered();
      else this.#missed();
      throw error;
    } finally {
      cancel();
    }
  }

  #answered(): void {
    if (this.#failures > 0) this.options.onFound?.();
    this.#failures = 0;
  }

  #missed(): void {
    if (++this.#failures === 1) this.options.onLost?.();
    else this.options.onSilence?.();
  }
}
