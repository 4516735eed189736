import assert from "assert";
import { X509Certificate } from "node:crypto";
import { FakeClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { parseKubeconfig } from "../../lib/client/kubeconfig.ts";
import { ensureCredentials } from "./credentials.ts";
import { isDue } from "./pki.ts";

async function withDataDir(test: (dataDir: string) => Promise<void>): Promise<void> {
  const dataDir = await Deno.makeTempDir();
  try {
    await test(dataDir);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

const clock = () => new FakeClock(Date.UTC(2026, 5, 1));
const options = (dataDir: string, time = clock()) => ({
  dataDir,
  advertiseAddress: "192.0.2.7",
  port: 6443,
  serviceAddress: "10.96.0.1",
  clusterDomain: "cluster.local",
  nodeName: "n1",
  clock: time,
  random: systemRandom,
});

Deno.test("ensureCredentials() makes certificates that its authority signed, for every name of the server", () =>
  withDataDir(async (dataDir) => {
    const { authority, server, client } = await ensureCredentials(options(dataDir));
    const ca = new X509Certificate(authority.cert);
    for (const pair of [server, client]) assert.equal(new X509Certificate(pair.cert).verify(ca.publicKey), true);
    const served = new X509Certificate(server.cert);
    for (const name of ["kubernetes.default.svc.cluster.local", "localhost"]) {
      assert.equal(served.checkHost(name), name);
    }
    for (const address of ["127.0.0.1", "192.0.2.7", "10.96.0.1"]) assert.equal(served.checkIP(address), address);
  }));

Deno.test("ensureCredentials() keeps everything that is still good, and nobody else can read it", () =>
  withDataDir(async (dataDir) => {
    const first = await ensureCredentials(options(dataDir));
    const second = await ensureCredentials(options(dataDir));
    assert.deepEqual({ ...second, authority: second.authority.cert }, { ...first, authority: first.authority.cert });
    for (const file of ["kubeconfig", "pki/ca.key", "agent/kubeconfig", "apiserver/admin.token"]) {
      assert.equal((await Deno.stat(`${dataDir}/${file}`)).mode! & 0o777, 0o600, file);
    }
    assert.equal((await Deno.stat(dataDir)).mode! & 0o777, 0o700);
  }));

Deno.test("ensureCredentials() renews a leaf in the last third of its life and when the address changed, never the authority", () =>
  withDataDir(async (dataDir) => {
    const time = clock();
    const first = await ensureCredentials(options(dataDir, time));
    await time.advance(250 * 86_400_000);
    assert.equal(isDue(first.server.cert, time.now()), true);
    const later = await ensureCredentials(options(dataDir, time));
    assert.notEqual(later.server.cert, first.server.cert);
    assert.equal(isDue(later.server.cert, time.now()), false);
    assert.equal(later.authority.cert, first.authority.cert);
    const moved = await ensureCredentials({ ...options(dataDir, time), advertiseAddress: "192.0.2.8" });
    assert.equal(new X509Certificate(moved.server.cert).checkIP("192.0.2.8"), "192.0.2.8");
    assert.equal(parseKubeconfig(await Deno.readTextFile(`${dataDir}/kubeconfig`)).server, "https://192.0.2.8:6443");
  }));

Deno.test("ensureCredentials() refuses to replace half of a lost authority", () =>
  withDataDir(async (dataDir) => {
    await ensureCredentials(options(dataDir));
    await Deno.remove(`${dataDir}/pki/ca.key`);
    await assert.rejects(ensureCredentials(options(dataDir)), /only one of ca.crt and ca.key is there/);
  }));
