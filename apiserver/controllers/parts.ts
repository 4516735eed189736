/** What a controller is made of: informers that all share, a client of its own, time, chance, settings. */
import type { Client } from "../../lib/client/client.ts";
import type { Controller } from "../../lib/controller/controller.ts";
import type { Recorder } from "../../lib/events.ts";
import type { ClusterSettings } from "../../lib/join/settings.ts";
import type { LoopStats } from "../../lib/queue/stats.ts";
import type { CertificateOrder } from "../../lib/pki/request.ts";
import type { ServiceAccount } from "../../lib/types/core_v1.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { AutoscalerSettings } from "./horizontal_pod_autoscaler/settings.ts";
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
  /** Name of the Node on the API server's own host; absent when it has none. */
  nodeName?: string;
  /** How long a Node may be silent before its state counts as unknown. Default: limits.nodeGraceMs. */
  nodeGraceMs?: number;
  /** Default: autoscalerDefaults. */
  autoscaler?: Partial<AutoscalerSettings>;
  /** PEM of the CA that signed the API server's certificate; published in every namespace. */
  caPem: string;
  /** Published for hosts that join. */
  settings: ClusterSettings;
  certificates: CertificateParts;
  /** The token that a Secret of its type holds. */
  legacyToken(account: ServiceAccount, secret: { name: string }): string;
}

/** What the API server lends its controllers of its authority. */
export interface CertificateParts {
  /** Signs a certificate, PEM. Throws for what is no request. */
  sign(order: CertificateOrder): Promise<string>;
  /** May the user create `certificatesigningrequests/<permission>`? */
  allows(user: Requester, permission: string): boolean;
}

/** Who asks for a certificate. */
export interface Requester {
  name: string;
  groups: readonly string[];
  uid?: string;
  extra?: Readonly<Record<string, readonly string[]>>;
}

export interface Parts {
  readonly informers: Informers;
  readonly client: Client;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: ControllerConfig;
  /** Absent: nobody counts what loops do. */
  readonly stats?: LoopStats;
}

/** Any controller: what the list in mod.ts holds. */
// deno-lint-ignore no-explicit-any
export type AnyController = Controller<any, any>;
