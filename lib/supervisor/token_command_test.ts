import assert from "assert";
import { FlagError } from "../flags.ts";
import { FakeClock } from "../seams/clock.ts";
import { seededRandom } from "../seams/random.ts";
import { parseTtl, tokenCommand, tokenTable } from "./token_command.ts";

Deno.test("parseTtl() reads times, and 0 as for ever", () => {
  const hour = 3_600_000;
  const table: [string, number | undefined][] = [["24h", 24 * hour], ["1h30m", 1.5 * hour], ["7d", 168 * hour], [
    "0",
    undefined,
  ]];
  for (const [text, want] of table) assert.equal(parseTtl(text), want, text);
  for (const text of ["", "24", "-1h", "1.5h", "0s", "1w", "999999999d"]) {
    assert.throws(() => parseTtl(text), /is not a time/, text);
  }
});

Deno.test("tokenTable() shows everything but the secrets", () => {
  const record = { token: { id: "abcdef", secret: "0123456789abcdef" }, authenticates: true, extraGroups: [] };
  const text = tokenTable([
    { ...record, expiresAt: Date.UTC(2026, 0, 2), description: "for n2" },
    { ...record, expiresAt: undefined, description: "" },
  ]);
  assert.deepEqual(text.split("\n"), [
    "ID      EXPIRES               DESCRIPTION",
    "abcdef  2026-01-02T00:00:00Z  for n2",
    "abcdef  never",
  ]);
  assert.equal(text.includes(record.token.secret), false);
});

Deno.test("tokenCommand() refuses words that are no command, and a host without a cluster", async () => {
  const values = { "data-dir": "/nonexistent", ttl: { ms: 1 }, description: "" };
  const parts = { clock: new FakeClock(), random: seededRandom(1), say: () => {} };
  for (const words of [[], ["make"], ["create", "x"], ["revoke"], ["list", "x"]]) {
    await assert.rejects(tokenCommand(words, values, parts), FlagError, words.join(" "));
  }
  await assert.rejects(tokenCommand(["list"], values, parts), /\/nonexistent\/kubeconfig: there is no such file/);
});
