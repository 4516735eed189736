/** What a controller is made of: informers that all share, a client of its own, time, chance, settings. */
import type { Client } from "../../lib/client/client.ts";
import type { Controller } from "../../lib/controller/controller.ts";
import type { Recorder } from "../../lib/events.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Informers } from "./informers.ts";

/** The cluster's settings, as far as controllers depend on them. */
export interface ControllerConfig {
  /** Range from which each Node gets its pod addresses: `10.244.0.0/16`. */
  clusterCidr: string;
  /** `10.96.0.0/16`; its first address is that of the Service `kubernetes`. */
  serviceCidr: string;
  /** Where pods reach the API server: the endpoint of the Service `kubernetes`. */
  advertiseAddress: string;
  port: number;
  /** PEM of the CA that signed the API server's certificate; published in every namespace. */
  caPem: string;
}

export interface Parts {
  readonly informers: Informers;
  readonly client: Client;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ControllerConfig;
}

/** Any controller: what the list in mod.ts holds. */
// deno-lint-ignore no-explicit-any
export type AnyController = Controller<any, any>;
