import assert from "assert";
import { createFixture } from "../tests/harness/rest.ts";
import { refuseForeign } from "./same_cluster.ts";

const settings = { "cluster-id": "c1", "token-key-ids": "k1,k2", encryption: "own" };

/** The maps of the cluster that is there, what this host brings, and the file that it must not bring. */
async function check(there: Record<string, Record<string, string>>, own: Record<string, string>, foreign?: string) {
  const fixture = await createFixture();
  const path = await Deno.makeTempFile();
  try {
    await fixture.send("POST", "/api/v1/namespaces", { metadata: { name: "kube-system" } });
    for (const [name, data] of Object.entries(there)) {
      await fixture.send("POST", "/api/v1/namespaces/kube-system/configmaps", { metadata: { name }, data });
    }
    await fixture.cache.fresh();
    const refused = refuseForeign(fixture.cache, {
      dataDir: "/data",
      credentials: { clusterId: own.id ?? "c1", authority: { cert: own.ca ?? "CA\n" } as never },
      tokenKeyIds: [own.key ?? "k2"],
      newEncryption: own.made === undefined ? undefined : path,
    });
    if (foreign === undefined) await refused;
    else {
      await assert.rejects(refused, new RegExp(`has another ${foreign} than /data. Copy cluster-id, pki/ca.crt`));
      const kept = await Deno.stat(path).then(() => true, () => false);
      assert.equal(kept, own.made === undefined, "keys that were made for another cluster are gone");
    }
  } finally {
    await Deno.remove(path).catch(() => {});
    await fixture.close();
  }
}

Deno.test("refuseForeign() refuses a host with another's authority or keys, by the name of the file", async () => {
  const cluster = { "sauropod-config": settings, "kube-root-ca.crt": { "ca.crt": "CA" } };
  await check({}, { made: "now" });
  await check(cluster, {});
  await check({ "sauropod-config": { "cluster-id": "c1" } }, { made: "now" });
  await check(cluster, { id: "c2", ca: "other", made: "now" }, "cluster-id");
  await check(cluster, { ca: "other" }, "pki/ca.crt");
  await check(cluster, { key: "k3" }, "pki/sa.key");
  await check(cluster, { made: "now" }, "pki/encryption.yaml");
});
