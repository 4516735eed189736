import assert from "assert";
import { endpointOf } from "../lib/apiserver_presence.ts";
import { createClient } from "../lib/client/client.ts";
import { presenceRenewMs } from "../lib/limits.ts";
import type { Lease } from "../lib/types/coordination_v1.ts";
import { createFixture, testUser } from "../tests/harness/rest.ts";
import { announce } from "./presence.ts";
import { parseRequestInfo } from "./rest/request_info.ts";
import { errorResponse } from "./rest/status_answer.ts";

const path = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

Deno.test("announce() renews a Lease that says where the server is, outlives an outage, and takes it away in the end", async () => {
  const fixture = await createFixture();
  const { clock, store } = fixture;
  await fixture.send("POST", "/api/v1/namespaces", { metadata: { name: "kube-system" } });
  const client = createClient(async (request) => {
    const requestInfo = parseRequestInfo(request.method, new URL(request.url));
    return await fixture.rest.handle(request, { user: testUser, requestInfo }).catch((error) => errorResponse(error));
  });
  const ending = new AbortController();
  const { signal } = ending;
  const told = { client, clock, serverId: "a1", hostname: "h1", endpoint: "192.0.2.1:6443", signal };
  const announcing = announce(told);
  const leases = async (): Promise<Lease[]> => (await fixture.send("GET", path)).body?.items ?? [];
  /** Requests take turns of the event loop, and a look at the store the clock's. */
  const until = async (what: string, done: (leases: Lease[]) => boolean) => {
    for (let tries = 0; tries < 200; tries++) {
      if (!store.down && done(await leases())) return;
      await clock.advance(50);
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    assert.fail(what);
  };
  await until("there is no Lease", (items) => items.length === 1);
  const [first] = await leases();
  assert.equal(first!.metadata.name, "apiserver-a1");
  assert.deepEqual(endpointOf(first!), { address: "192.0.2.1", port: 6443 });
  assert.equal(first!.metadata.labels!["kubernetes.io/hostname"], "h1");
  store.down = true;
  await clock.advance(3 * presenceRenewMs);
  store.down = false;
  await until("it is not renewed", ([lease]) => lease!.spec.renewTime !== first!.spec.renewTime);
  const [renewed] = await leases();
  assert.equal(renewed!.spec.acquireTime, first!.spec.acquireTime);
  ending.abort();
  await until("it is still there", (items) => items.length === 0);
  await announcing;
  await fixture.close();
});

Deno.test("endpointOf() reads addresses of both families, of Leases of API servers only", () => {
  const lease = (endpoint: string | undefined, namespace = "kube-system", identity = "kube-apiserver") =>
    ({
      metadata: {
        namespace,
        labels: { "apiserver.kubernetes.io/identity": identity },
        annotations: endpoint === undefined ? {} : { "dev.sauropod/endpoint": endpoint },
      },
    }) as unknown as Lease;
  assert.deepEqual(endpointOf(lease("192.0.2.1:6443")), { address: "192.0.2.1", port: 6443 });
  assert.deepEqual(endpointOf(lease("[2001:db8::1]:443")), { address: "2001:db8::1", port: 443 });
  for (
    const other of [
      lease(undefined),
      lease("nonsense"),
      lease("1.2.3.4:1", "default"),
      lease("1.2.3.4:1", "kube-system", "x"),
    ]
  ) {
    assert.equal(endpointOf(other), undefined);
  }
});
