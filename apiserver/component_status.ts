/**
 * The objects of ComponentStatus (pkg/registry/core/componentstatus), under the names that clients look for: the controllers and the
 * scheduler are well while somebody renews their Lease, `etcd-0` is the store.
 */
import type { KubeObject } from "../lib/kind.ts";
import type { Clock } from "../lib/seams/clock.ts";
import type { Lease } from "../lib/types/coordination_v1.ts";
import type { Cache } from "./cache/cache.ts";
import { componentStatus } from "./registry/core/component_status.ts";
import type { Resource } from "./rest/resource.ts";
import type { Computed } from "./rest/rest.ts";

export interface ComponentParts {
  cache: Cache;
  clock: Pick<Clock, "now">;
  /** Rejects with what is wrong with the store. */
  checkStore(): Promise<unknown>;
}

const elected: Readonly<Record<string, string>> = {
  "controller-manager": "kube-controller-manager",
  scheduler: "kube-scheduler",
};

export function componentStatuses({ cache, clock, checkStore }: ComponentParts): Computed {
  const lead = (name: string) => {
    const key = `kube-system/${elected[name]}`;
    const lease = cache.resource("coordination.k8s.io/leases").get(key)?.object as unknown as Lease | undefined;
    const { renewTime, leaseDurationSeconds = 0, holderIdentity = "" } = lease?.spec ?? {};
    if (renewTime === undefined || holderIdentity === "") throw new Error(`nobody holds the lease ${key}`);
    const ended = Date.parse(renewTime) + leaseDurationSeconds * 1000;
    if (ended < clock.now()) throw new Error(`${holderIdentity} has not renewed the lease ${key} since ${renewTime}`);
  };
  const checks: Readonly<Record<string, () => unknown>> = {
    ...Object.fromEntries(Object.keys(elected).map((name) => [name, () => lead(name)])),
    "etcd-0": checkStore,
  };
  return {
    resource: componentStatus as unknown as Resource,
    warning: "v1 ComponentStatus is deprecated in v1.19+",
    objects: async ({ name }) =>
      await Promise.all(
        Object.keys(checks).filter((one) => name === undefined || one === name)
          .map(async (one) => statusOf(one, await outcome(checks[one]!))),
      ),
  };
}

async function outcome(check: () => unknown): Promise<string | undefined> {
  try {
    await check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

function statusOf(name: string, error: string | undefined): KubeObject {
  const condition = error === undefined
    ? { type: "Healthy", status: "True", message: "ok" }
    : { type: "Healthy", status: "False", error };
  return {
    apiVersion: "v1",
    kind: "ComponentStatus",
    metadata: { name },
    conditions: [condition],
  } as unknown as KubeObject;
}
