import assert from "assert";
import { seededRandom } from "../seams/random.ts";
import type { Secret } from "../types/core_v1.ts";
import { formatToken, generateToken, isExpired, parseToken, readTokenSecret, tokenSecret } from "./bootstrap_token.ts";
import { formatJoinString, parseJoinString, readJoin } from "./join_string.ts";
import { readSettings, settingsData } from "./settings.ts";

const hash = "0123456789abcdef".repeat(4);
const token = { id: "abcdef", secret: "0123456789abcdef" };
const good = `sauropod://abcdef.0123456789abcdef@192.0.2.1:6443/sha256:${hash}`;

Deno.test("parseJoinString() reads what formatJoinString() writes, and no shell would change it", () => {
  for (const server of ["https://192.0.2.1:6443", "https://server.example.com:443", "https://[2001:db8::1]:6443"]) {
    const text = formatJoinString({ server, token, caHash: hash });
    assert.deepEqual(parseJoinString(text), { server, token, caHash: hash });
    assert.match(text, /^[A-Za-z0-9:/@.[\]-]+$/);
  }
  assert.equal(formatJoinString(parseJoinString(` ${good}\n`)), good);
});

Deno.test("parseJoinString() says which part is wrong, and never the secret", () => {
  const table: [string, RegExp][] = [
    ["", /no join string/],
    [good.replace("sauropod:", "https:"), /no join string/],
    [good.replace(":6443", ""), /no join string/],
    [good.replace("abcdef.", "ABCDEF."), /token of the join string/],
    [good.replace("0123456789abcdef@", "0123456789abcde@"), /token of the join string/],
    [good.replace("6443", "66443"), /port 66443/],
    [good.slice(0, -1), /64 hexadecimal digits: was it copied to its end/],
  ];
  for (const [text, why] of table) {
    assert.throws(() => parseJoinString(text), (error: Error) => {
      assert.match(error.message, why);
      return !error.message.includes(token.secret.slice(0, 12));
    }, text);
  }
});

Deno.test("readJoin() takes @FILE for a file with the string", () => {
  assert.equal(readJoin(good, () => "").server, "https://192.0.2.1:6443");
  assert.equal(readJoin("@/f", (path) => path === "/f" ? `${good}\n` : "").token.id, "abcdef");
  assert.throws(() => readJoin("@/f", () => "x"), /^Error: \/f: this is no join string/);
});

Deno.test("generateToken() makes what parseToken() takes, of all letters and digits", () => {
  const random = seededRandom(1);
  const seen = new Set<string>();
  for (let i = 0; i < 200; i++) {
    const made = generateToken(random);
    assert.deepEqual(parseToken(formatToken(made)), made);
    for (const letter of made.secret) seen.add(letter);
  }
  assert.equal(seen.size, 36);
});

Deno.test("readTokenSecret() reads what tokenSecret() writes, and nothing else", () => {
  const expiresAt = Date.UTC(2026, 0, 2);
  const secret = tokenSecret(token, { expiresAt, description: "für n2" }) as Secret;
  assert.deepEqual([secret.metadata.name, secret.metadata.namespace, secret.type], [
    "bootstrap-token-abcdef",
    "kube-system",
    "bootstrap.kubernetes.io/token",
  ]);
  const record = readTokenSecret(secret)!;
  assert.deepEqual(record, {
    token,
    expiresAt,
    description: "für n2",
    authenticates: true,
    extraGroups: ["system:bootstrappers:sauropod:worker"],
  });
  assert.deepEqual([isExpired(record, expiresAt - 1), isExpired(record, expiresAt)], [false, true]);
  assert.deepEqual([isExpired({ expiresAt: undefined }, expiresAt), isExpired({ expiresAt: NaN }, 0)], [false, true]);
  assert.equal(readTokenSecret({ ...secret, metadata: { ...secret.metadata, name: "other" } }), undefined);
  assert.equal(readTokenSecret({ ...secret, data: { ...secret.data, "token-secret": "%" } }), undefined);
});

Deno.test("readSettings() reads what settingsData() writes, and names what is wrong", () => {
  const settings = {
    clusterId: "c1",
    clusterCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/16",
    clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local",
    nodePortRange: { from: 30000, to: 32767 },
  };
  const data = settingsData(settings);
  assert.deepEqual(readSettings({ data }), settings);
  for (const key of Object.keys(data)) {
    assert.throws(
      () => readSettings({ data: { ...data, [key]: "?" } }),
      new RegExp(`sauropod-config: ${key} is "\\?"`),
    );
    const { [key]: _, ...rest } = data;
    assert.throws(() => readSettings({ data: rest }), new RegExp(`sauropod-config: ${key} is ""`));
  }
});
