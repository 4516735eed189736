/** What autoscalers scale: any kind with a `/scale`, found by group and kind in what the API serves. */
import { type Client, pathOf } from "../../../lib/client/client.ts";
import type { Kind } from "../../../lib/kind.ts";
import { scaleDiscoveryMs } from "../../../lib/limits.ts";
import type { Clock, Instant } from "../../../lib/seams/clock.ts";
import { isReason } from "../../../lib/status.ts";
import type { Scale } from "../../../lib/types/autoscaling_v1.ts";
import type { CrossVersionObjectReference } from "../../../lib/types/autoscaling_v2.ts";
import { discover } from "../discovery.ts";
import { groupOf } from "../owner.ts";
import { MetricsError } from "./metrics_error.ts";

export interface Target {
  readonly kind: Kind;
  readonly scale: Scale;
}

export class Targets {
  #kinds: readonly Kind[] = [];
  #asked: Instant | undefined;

  constructor(readonly client: Client, readonly clock: Clock) {}

  /** Throws MetricsError for a kind that is not served, StatusError for what the API says. */
  async get(namespace: string, { apiVersion = "", kind, name }: CrossVersionObjectReference): Promise<Target> {
    const of = { group: groupOf(apiVersion), kind };
    const found = this.#find(of) ?? await this.#discovered(of);
    if (found === undefined) {
      throw new MetricsError(`no matches for kind ${JSON.stringify(kind)} in group ${JSON.stringify(of.group)}`);
    }
    try {
      const response = await this.client.raw("GET", pathOf(found, { namespace, name }, "scale"));
      return { kind: found, scale: await response.json() };
    } catch (error) {
      // The kind itself, or this version of it, is gone: it is looked for again.
      if (isReason(error, "NotFound") && error.status.details?.kind === undefined) {
        this.#kinds = this.#kinds.filter((kind) => kind !== found);
      }
      throw error;
    }
  }

  async resize({ kind, scale }: Target, replicas: number): Promise<void> {
    const { namespace, name } = scale.metadata as Scale["metadata"] & { namespace?: string };
    const body = { ...scale, spec: { ...scale.spec, replicas } };
    await this.client.raw("PUT", pathOf(kind, { namespace, name }, "scale"), body);
  }

  #find({ group, kind }: Pick<Kind, "group" | "kind">): Kind | undefined {
    return this.#kinds.find((one) => one.kind === kind && one.group === group);
  }

  /** A kind may have come; one that never does is not asked for at every look. */
  async #discovered(of: Pick<Kind, "group" | "kind">): Promise<Kind | undefined> {
    const now = this.clock.now();
    if (this.#asked !== undefined && now - this.#asked < scaleDiscoveryMs) return undefined;
    this.#kinds = (await discover(this.client)).kinds;
    this.#asked = now;
    return this.#find(of);
  }
}
