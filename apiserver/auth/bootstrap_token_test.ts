import assert from "assert";
import { type Token, tokenSecret } from "../../lib/join/bootstrap_token.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { Secret } from "../../lib/types/core_v1.ts";
import { bootstrapTokens } from "./bootstrap_token.ts";

const token: Token = { id: "abcdef", secret: "0123456789abcdef" };
const clock = new FakeClock();

function ask(bearer: string, change: (secret: Secret) => void = () => {}, expiresAt = clock.now() + 1000) {
  const secret = tokenSecret(token, { expiresAt }) as Secret;
  change(secret);
  const authenticator = bootstrapTokens({
    secret: (name) => name === "bootstrap-token-abcdef" ? secret : undefined,
    clock,
  });
  return authenticator.authenticate({ headers: new Headers({ authorization: `Bearer ${bearer}` }) });
}

const right = "abcdef.0123456789abcdef";
const set = (field: string, value: string) => (secret: Secret) => void (secret.data![field] = btoa(value));

Deno.test("bootstrapTokens() knows who shows the right secret, in the token's groups", async () => {
  assert.deepEqual(await ask(right), {
    name: "system:bootstrap:abcdef",
    groups: ["system:bootstrappers", "system:bootstrappers:sauropod:worker", "system:authenticated"],
  });
  assert.deepEqual((await ask(right, set("auth-extra-groups", "")))!.groups, [
    "system:bootstrappers",
    "system:authenticated",
  ]);
});

Deno.test("bootstrapTokens() does not know wrong secrets, unknown ids, other Secrets and what is being deleted", async () => {
  const cases: [string, (secret: Secret) => void][] = [
    ["abcdef.0123456789abcdeg", () => {}],
    ["zzzzzz.0123456789abcdef", () => {}],
    ["not-a-token", () => {}],
    [right, (secret) => void (secret.type = "Opaque")],
    [right, set("token-id", "abcdeg")],
    [right, set("token-secret", "")],
    [right, (secret) => void (secret.metadata.deletionTimestamp = "2026-01-01T00:00:00Z")],
  ];
  for (const [bearer, change] of cases) assert.equal(await ask(bearer, change), undefined, `${bearer} ${change}`);
});

Deno.test("bootstrapTokens() says why only to who shows the right secret", async () => {
  const cases: [(secret: Secret) => void, number, RegExp][] = [
    [() => {}, clock.now(), /bootstrap token abcdef has expired at 2026-01-01T00:00:00/],
    [set("expiration", "soon"), 0, /has expired$/],
    [set("usage-bootstrap-authentication", "false"), clock.now() + 1000, /is not for authentication/],
    [set("auth-extra-groups", "system:masters"), clock.now() + 1000, /does not begin with system:bootstrappers:/],
  ];
  for (const [change, expiresAt, why] of cases) {
    const is = (error: unknown) => isReason(error, "Unauthorized") && why.test(error.message);
    await assert.rejects(async () => await ask(right, change, expiresAt), is, String(why));
    assert.equal(await ask("abcdef.ffffffffffffffff", change, expiresAt), undefined);
  }
});
