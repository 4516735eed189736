import assert from "assert";
import { createSecured, someone } from "../tests/harness/secured.ts";
import { rfc3339Micro } from "../lib/seams/clock.ts";
import * as kinds from "../lib/types/kinds.ts";

const path = "/api/v1/componentstatuses";

Deno.test("ComponentStatus says who leads, and whether the store answers", async () => {
  const s = await createSecured();
  const root = someone("root", "system:masters");
  const spec = {
    holderIdentity: "one",
    leaseDurationSeconds: 15,
    renewTime: rfc3339Micro(s.clock.now()),
  };
  await s.admin.create(kinds.Lease, { metadata: { namespace: "kube-system", name: "kube-scheduler" }, spec });
  await s.fixture.cache.fresh();
  const table = async () => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    const { body, headers } = await s.as(root, "GET", path, undefined, { accept });
    assert.equal(headers.get("warning"), '299 - "v1 ComponentStatus is deprecated in v1.19+"');
    return body.rows.map(({ cells }: { cells: unknown[] }) => cells);
  };
  const nobody = "nobody holds the lease kube-system/kube-controller-manager";
  assert.deepEqual(await table(), [
    ["controller-manager", "Unhealthy", "", nobody],
    ["etcd-0", "Healthy", "ok", ""],
    ["scheduler", "Healthy", "ok", ""],
  ]);
  await s.clock.advance(16_000);
  const late = `one has not renewed the lease kube-system/kube-scheduler since ${spec.renewTime}`;
  assert.deepEqual((await table())[2], ["scheduler", "Unhealthy", "", late]);
  const one = await s.as(root, "GET", `${path}/etcd-0`);
  assert.deepEqual(one.body.conditions, [{ type: "Healthy", status: "True", message: "ok" }]);
  assert.equal((await s.as(root, "GET", `${path}/x`)).status, 404);
  assert.equal((await s.as(root, "POST", path, {})).status, 405);
  assert.equal((await s.as(root, "GET", `${path}?watch=1`)).status, 405);
  assert.equal((await s.as(someone("bob"), "GET", path)).status, 403);
  await s.close();
});
