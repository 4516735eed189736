import assert from "assert";
import { created, createErrors, header, isIdempotent, row } from "../meta/kind_scene.ts";
import { lease } from "./lease.ts";

Deno.test("lease is written often, so it has a history of its own and no blind updates", () => {
  assert.deepEqual([lease.history, lease.createOnUpdate, lease.unconditionalUpdate], ["lease", true, false]);
  assert.deepEqual(created(lease, { spec: { holderIdentity: "a", strategy: "OldestEmulationVersion" } }).spec, {
    holderIdentity: "a",
  });
  assert.ok(isIdempotent(lease, {}));
});

Deno.test("lease says what is wrong with its numbers", () => {
  assert.deepEqual(createErrors(lease, {}), []);
  assert.deepEqual(createErrors(lease, { spec: { leaseDurationSeconds: 0, leaseTransitions: -1 } }), [
    "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0",
    "spec.leaseTransitions: Invalid value: -1: must be greater than or equal to 0",
  ]);
});

Deno.test("lease columns are kubectl's", () => {
  assert.equal(header(lease), "Name, Holder, Age");
  assert.equal(row(lease, created(lease, { spec: { holderIdentity: "a" } })), "web a 0s |");
});
