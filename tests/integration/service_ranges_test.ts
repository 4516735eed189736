/** ServiceCIDRs and IPAddresses of a running control plane: what is in use has an object, and a range in use stays. */
import assert from "assert";
import * as kinds from "../../lib/types/kinds.ts";
import { type ControlPlane, createControlPlane } from "../harness/control_plane.ts";
import { someone } from "../harness/secured.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const root = someone("root", "system:masters");
const ranges = "/apis/networking.k8s.io/v1/servicecidrs";
const addresses = "/apis/networking.k8s.io/v1/ipaddresses";

async function withCluster(run: (cluster: ControlPlane) => Promise<void>): Promise<void> {
  const cluster = await createControlPlane();
  try {
    await cluster.until("the cluster's range", async () => await readiness(cluster, "kubernetes") === "True");
    await run(cluster);
  } finally {
    await cluster.close();
  }
}

const find = async ({ as }: ControlPlane, path: string): Promise<Loose> => {
  const { status, body } = await as(root, "GET", path);
  return status === 404 ? undefined : body;
};
const readiness = async (cluster: ControlPlane, name: string) =>
  (await find(cluster, `${ranges}/${name}`))?.status?.conditions?.[0].status;
const service = (cluster: ControlPlane, name: string, spec: object = {}) =>
  cluster.admin.create(
    kinds.Service,
    { metadata: { namespace: "default", name }, spec: { ports: [{ port: 80 }], ...spec } } as Loose,
  );

Deno.test("each cluster IP has an IPAddress, as long as its Service has it", () =>
  withCluster(async (cluster) => {
    await cluster.until("the API's", () => find(cluster, `${addresses}/10.96.0.1`));
    const { spec } = await service(cluster, "web");
    const path = `${addresses}/${spec.clusterIP}`;
    await cluster.until("its address", () => find(cluster, path));
    const { body } = await cluster.as(root, "GET", path, undefined, {
      accept: "application/json;as=Table;v=v1;g=meta.k8s.io",
    });
    assert.deepEqual(body.rows[0].cells.slice(0, 2), [spec.clusterIP, "services/default/web"]);
    await cluster.as(root, "DELETE", path);
    await cluster.until("it is back", () => find(cluster, path));
    await cluster.admin.delete(kinds.Service, { namespace: "default", name: "web" });
    await cluster.until("it is free", async () => await find(cluster, path) === undefined);
  }));

Deno.test("an address that somebody keeps is nobody else's", () =>
  withCluster(async (cluster) => {
    const keep = (name: string, managedBy: string) => {
      const labels = { "ipaddress.kubernetes.io/managed-by": managedBy };
      const spec = { parentRef: { resource: "services", namespace: "default", name: "later" } };
      return cluster.as(root, "POST", addresses, { metadata: { name, labels }, spec });
    };
    assert.equal((await keep("10.96.0.77", "example.com")).status, 201);
    await assert.rejects(service(cluster, "web", { clusterIP: "10.96.0.77" }), /provided IP is already allocated/);
    await service(cluster, "other", { clusterIP: "10.96.0.78" });
    await cluster.until("its address", () => find(cluster, `${addresses}/10.96.0.78`));
    assert.equal((await keep("10.96.0.78", "example.com")).status, 409);
    await cluster.as(root, "DELETE", `${addresses}/10.96.0.77`);
    await service(cluster, "web", { clusterIP: "10.96.0.77" });
  }));

Deno.test("a second range gives addresses, and goes when nobody has one of it", () =>
  withCluster(async (cluster) => {
    const made = await cluster.as(root, "POST", ranges, {
      metadata: { name: "more" },
      spec: { cidrs: ["10.97.0.0/24"] },
    });
    assert.equal(made.status, 201, made.text);
    await cluster.until("ready", async () => await readiness(cluster, "more") === "True");
    await service(cluster, "web", { clusterIP: "10.97.0.9" });
    await cluster.until("its address", () => find(cluster, `${addresses}/10.97.0.9`));
    await cluster.as(root, "DELETE", `${ranges}/more`);
    await cluster.until("kept", async () => await readiness(cluster, "more") === "False");
    const message = (await find(cluster, `${ranges}/more`)).status.conditions[0].message;
    assert.match(message, /^There are still IPAddresses referencing the ServiceCIDR/);
    await assert.rejects(service(cluster, "late", { clusterIP: "10.97.0.10" }), /not in the valid range/);
    await cluster.admin.delete(kinds.Service, { namespace: "default", name: "web" });
    await cluster.until("gone", async () => await find(cluster, `${ranges}/more`) === undefined);
  }));
