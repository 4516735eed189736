/** For tests: a whole control plane in this process, over a memory store and a clock that is moved: API server, controllers, scheduler. */
import assert from "assert";
import { runControllers } from "../../apiserver/controllers/mod.ts";
import { runScheduler } from "../../apiserver/scheduler/mod.ts";
import { authenticated } from "../../apiserver/auth/user.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { createSecured, type Secured, type SecuredOptions } from "./secured.ts";

export interface ControlPlane extends Secured {
  /** Moves the clock until the condition holds; fails after `seconds` of it. */
  until(what: string, condition: () => unknown | Promise<unknown>, seconds?: number): Promise<void>;
}

/** Each control loop is the user that it is in a cluster. Close it. */
export async function createControlPlane(options: SecuredOptions = {}): Promise<ControlPlane> {
  const secured = await createSecured(options);
  const { clock } = secured;
  const ended = new AbortController();
  const { signal } = ended;
  const random = seededRandom(1);
  const settings = {
    clusterId: "test",
    clusterCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/16",
    clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local",
    nodePortRange: { from: 30000, to: 32767 },
  };
  const running = [
    runControllers({
      clientFor: (name) => secured.client(authenticated(`system:controller:${name}`)),
      clock,
      random,
      signal,
      config: {
        clusterCidr: settings.clusterCidr,
        serviceCidr: settings.serviceCidr,
        advertiseAddress: "192.0.2.1",
        port: 6443,
        caPem: "PEM",
        settings,
        legacyToken: () => "token",
        certificates: { sign: () => Promise.reject(new Error("nobody joins here")), allows: () => false },
      },
    }),
    runScheduler({ client: secured.client(authenticated("system:kube-scheduler")), clock, random, signal }),
  ];
  return {
    ...secured,
    async until(what, condition, seconds = 60) {
      for (let waited = 0; waited < seconds * 1000; waited += 100) {
        if (await condition()) return;
        await clock.advance(100);
        // Streams of answers settle in turns of the event loop.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      assert.fail(`${what}: not within ${seconds} s`);
    },
    async close() {
      ended.abort();
      await clock.advance(1);
      await Promise.all(running);
      await secured.close();
    },
  };
}
