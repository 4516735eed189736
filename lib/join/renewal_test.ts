import assert from "assert";
import { X509Certificate } from "node:crypto";
import { createAuthority, loadAuthority } from "../../apiserver/pki/pki.ts";
import { FakeClock } from "../seams/clock.ts";
import { systemRandom } from "../seams/random.ts";
import { renewAt } from "./renewal.ts";
import { pinnedAuthority } from "./trust.ts";

const clock = new FakeClock();
const authority = async (name: string) =>
  await loadAuthority(await createAuthority(name, clock.now(), systemRandom), clock, systemRandom);
const der = (...pems: string[]) => pems.map((pem) => new Uint8Array(new X509Certificate(pem).raw));

Deno.test("renewAt() is in the last third of a certificate's life, and at once when it lacks a name", async () => {
  const ca = await authority("a");
  const { cert } = await ca.issue({ commonName: "n1" }, { usage: "server", names: ["n1", "192.0.2.1"], days: 100 });
  const day = 86_400_000;
  const after = (chance: number, names: string[] = []) => (renewAt(cert, names, chance) - clock.now()) / day;
  const [soon, late] = [after(0), after(1, ["n1", "192.0.2.1"])];
  assert.ok(soon > 69.5 && soon < 70.5 && late > 89.5 && late < 90.5, `${soon} ${late}`);
  assert.ok(after(1, ["n1", "192.0.2.2"]) <= 0);
});

Deno.test("pinnedAuthority() is the authority of the hash that signed the server's certificate, now", async () => {
  const [ca, other] = [await authority("a"), await authority("b")];
  const options = { caHash: ca.publicKeyHash, now: clock.now() };
  const leaf = (await ca.issue({ commonName: "s" }, { usage: "server", names: ["192.0.2.1"], days: 10 })).cert;
  const foreign = (await other.issue({ commonName: "s" }, { usage: "server", names: ["192.0.2.1"] })).cert;
  assert.equal(
    new X509Certificate(pinnedAuthority(der(leaf, ca.cert), options)).fingerprint256,
    new X509Certificate(ca.cert).fingerprint256,
  );
  const table: [Uint8Array[], number, RegExp][] = [
    [der(leaf), 0, /its certificate authority has another key/],
    [der(foreign, other.cert), 0, /its certificate authority has another key/],
    [der(foreign, ca.cert), 0, /its own certificate is not signed by it/],
    [der(leaf, ca.cert), 11, /this host's clock says .* is good from .* to .*: set the clocks/],
    [der(leaf, ca.cert), -1, /set the clocks/],
    [[], 0, /another key/],
  ];
  for (const [chain, days, why] of table) {
    const at = { ...options, now: options.now + days * 86_400_000 };
    assert.throws(() => pinnedAuthority(chain, at), why, String(why));
  }
});
