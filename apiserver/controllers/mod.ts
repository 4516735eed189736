/**
 * All controllers, in the order in which they are started. Each has a client, and with it a user, of its own. They are guests of the
 * API: who runs them needs a client for each and nothing else.
 */
import type { Client } from "../../lib/client/client.ts";
import { getLogger } from "log";
import { runController } from "../../lib/controller/controller.ts";
import { createRecorder } from "../../lib/events.ts";
import type { Kind } from "../../lib/kind.ts";
import type { LoopStats } from "../../lib/queue/stats.ts";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import { bootstrapController } from "./bootstrap.ts";
import { approvalController } from "./certificates/approver.ts";
import { cleaningController } from "./certificates/cleaner.ts";
import { settingsController } from "./certificates/settings.ts";
import { signingController } from "./certificates/signer.ts";
import { tokenController } from "./certificates/token_cleaner.ts";
import { cronJobController } from "./cron_job/controller.ts";
import { daemonSetController } from "./daemon_set/controller.ts";
import { clusterRoleAggregationController } from "./cluster_role_aggregation.ts";
import { discover } from "./discovery.ts";
import { deploymentController } from "./deployment/controller.ts";
import { disruptionController } from "./disruption/controller.ts";
import { staleDisruptionController } from "./disruption/stale.ts";
import { endpointSliceController } from "./endpoint_slice/controller.ts";
import { endpointSliceMirroringController } from "./endpoint_slice_mirroring/controller.ts";
import { endpointsController } from "./endpoints/controller.ts";
import { eventTtlController } from "./event_ttl.ts";
import { garbageCollectorName, runGarbageCollector } from "./garbage_collector/controller.ts";
import { autoscalerName, runAutoscaler } from "./horizontal_pod_autoscaler/controller.ts";
import { createInformers, runInformers } from "./informers.ts";
import { jobController } from "./job/controller.ts";
import { kubernetesServiceController } from "./kubernetes_service.ts";
import { loadBalancerController } from "./load_balancer.ts";
import { namespaceController } from "./namespace/controller.ts";
import { nodeIpamController } from "./node_ipam.ts";
import { nodeLifecycleController } from "./node_lifecycle/controller.ts";
import type { AnyController, ControllerConfig, Parts } from "./parts.ts";
import { accountTokenController } from "./account_token.ts";
import { persistentVolumeController } from "./persistent_volume/controller.ts";
import { podDrainingController } from "./pod_draining.ts";
import { podGcController } from "./pod_gc.ts";
import { replicaSetController, replicationControllerController } from "./replica_set/controller.ts";
import { resourceQuotaName, runResourceQuota } from "./resource_quota/controller.ts";
import { rootCaController } from "./root_ca.ts";
import { serviceAccountController } from "./service_account.ts";
import { defaultRangeController, serviceAddressController, serviceCidrController } from "./service_cidr/controller.ts";
import { statefulSetController } from "./stateful_set/controller.ts";
import { taintEvictionController } from "./taint_eviction.ts";
import { ttlAfterFinishedController } from "./ttl_after_finished.ts";
import {
  attributesProtectionController,
  claimProtectionController,
  volumeProtectionController,
} from "./volume_protection.ts";

export type { ControllerConfig } from "./parts.ts";

const discoveryRetryMs = 500;

/** A controller by its name, and how it is run until the signal aborts. */
export interface Entry {
  readonly name: string;
  run(parts: Parts, signal: AbortSignal): Promise<void>;
}

/** Several control loops may be one user. */
function entry(name: string, ...makes: ((parts: Parts) => AnyController)[]): Entry {
  return {
    name,
    async run(parts, signal) {
      const { client, clock, stats } = parts;
      await Promise.all(makes.map((make) => runController(make(parts), { client, clock, signal, stats })));
    },
  };
}

export const controllers: readonly Entry[] = [
  entry("system-namespaces", bootstrapController),
  entry("kubernetes-service", kubernetesServiceController),
  entry("default-service-cidr", defaultRangeController),
  entry("service-cidrs-controller", serviceCidrController),
  entry("service-address-controller", serviceAddressController),
  entry("service-account-controller", serviceAccountController),
  entry("token-controller", accountTokenController),
  entry("root-ca-cert-publisher", rootCaController),
  entry("clusterrole-aggregation-controller", clusterRoleAggregationController),
  entry("cluster-settings", settingsController),
  entry("certificate-approver", approvalController),
  entry("certificate-signer", signingController),
  entry("certificate-cleaner", cleaningController),
  entry("token-cleaner", tokenController),
  entry("node-ipam-controller", nodeIpamController),
  entry("node-controller", nodeLifecycleController),
  entry("taint-eviction-controller", taintEvictionController),
  entry("deployment-controller", deploymentController),
  entry("replicaset-controller", replicaSetController),
  entry("replication-controller", replicationControllerController),
  entry("daemon-set-controller", daemonSetController),
  entry("statefulset-controller", statefulSetController),
  entry("job-controller", jobController),
  entry("cronjob-controller", cronJobController),
  entry("ttl-after-finished-controller", ttlAfterFinishedController),
  { name: autoscalerName, run: runAutoscaler },
  entry("disruption-controller", disruptionController, staleDisruptionController),
  entry("persistent-volume-binder", persistentVolumeController),
  entry("pvc-protection-controller", claimProtectionController),
  entry("pv-protection-controller", volumeProtectionController),
  entry("volumeattributesclass-protection-controller", attributesProtectionController),
  entry("endpointslice-controller", endpointSliceController),
  entry("pod-draining-controller", podDrainingController),
  entry("endpoint-controller", endpointsController),
  entry("endpointslicemirroring-controller", endpointSliceMirroringController),
  entry("load-balancer-controller", loadBalancerController),
  entry("namespace-controller", namespaceController),
  { name: garbageCollectorName, run: runGarbageCollector },
  entry("pod-garbage-collector", podGcController),
  { name: resourceQuotaName, run: runResourceQuota },
  entry("event-ttl-controller", eventTtlController),
];

const isServed = ({ group, version, plural }: Kind, served: readonly Kind[]) =>
  served.some((kind) => kind.group === group && kind.version === version && kind.plural === plural);

/** What there is, as soon as the server says it: kinds can be turned off. Nothing when the signal has aborted. */
async function untilDiscovered(client: Client, { clock, signal }: { clock: Clock; signal: AbortSignal }) {
  while (!signal.aborted) {
    try {
      const { kinds, failures } = await discover(client);
      if (failures.length === 0) return kinds;
    } catch (error) {
      getLogger(["sauropod", "controller"]).debug("discovery: {error}", { error: String(error) });
    }
    await sleep(clock, discoveryRetryMs, signal);
  }
  return [];
}

/** The name under which the informers that all controllers share ask for a client. */
export const informersName = "shared-informers";

export interface RunOptions {
  /** A client for the user `system:controller:<name>`; asked once for each name in `controllers` and for `informersName`. */
  clientFor(name: string): Client;
  clock: Clock;
  random: Random;
  config: ControllerConfig;
  signal: AbortSignal;
  stats?: LoopStats;
}

/** Runs all controllers until the signal aborts. Several at once would do each other's work: run them under a leader election. */
export async function runControllers({ clientFor, clock, random, config, signal, stats }: RunOptions): Promise<void> {
  const client = clientFor(informersName);
  const served = await untilDiscovered(client, { clock, signal });
  const informers = createInformers(client, clock);
  for (const informer of Object.values(informers)) if (!isServed(informer.kind, served)) informer.absent();
  const running = controllers.map(({ name, run }) => {
    const client = clientFor(name);
    const recorder = createRecorder(client, clock, name);
    return run({ informers, client, recorder, clock, random, config, stats }, signal);
  });
  await Promise.all([runInformers(informers, signal), ...running]);
}
