import assert from "assert";
import { created, createErrors, header, row, updated } from "../meta/kind_scene.ts";
import { serviceAccount } from "./service_account.ts";

Deno.test("serviceAccount keeps only the names of its secrets", () => {
  const secrets = [{ name: "a", namespace: "x", uid: "u" }, { name: "b" }];
  const object = created(serviceAccount, { secrets });
  assert.deepEqual(object.secrets, [{ name: "a" }, { name: "b" }]);
  assert.deepEqual(updated(serviceAccount, object, (o) => o.secrets = secrets).secrets, object.secrets);
  assert.deepEqual(createErrors(serviceAccount, { secrets }), []);
  assert.equal(header(serviceAccount), "Name, Secrets, Age");
  assert.equal(row(serviceAccount, object), "web 2 0s |");
});

Deno.test("serviceAccount warns of an annotation that is on its way out, once", () => {
  const annotations = { "kubernetes.io/enforce-mountable-secrets": "true" };
  const object = created(serviceAccount, { metadata: { annotations } });
  assert.deepEqual(serviceAccount.warnings!(object, undefined), [
    "metadata.annotations[kubernetes.io/enforce-mountable-secrets]: deprecated in v1.32+; prefer separate namespaces to " +
    "isolate access to mounted secrets",
  ]);
  assert.deepEqual(serviceAccount.warnings!(object, object), []);
});
