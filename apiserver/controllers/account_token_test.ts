import assert from "assert";
import type { Secret, ServiceAccount } from "../../lib/types/core_v1.ts";
import { accountTokenType, filledSecret, planAccountToken } from "./account_token.ts";

const account = { metadata: { name: "app", namespace: "ns", uid: "u1" } } as ServiceAccount;
const secret = (annotations: Record<string, string> = {}, data?: Record<string, string>) =>
  ({
    metadata: {
      name: "t",
      namespace: "ns",
      uid: "s",
      annotations: { "kubernetes.io/service-account.name": "app", ...annotations },
    },
    type: accountTokenType,
    data,
  }) as unknown as Secret;
const plan = (secret: Secret, of: ServiceAccount | undefined = account) =>
  planAccountToken({ secret, account: of, caPem: "CA" }, 0).map((action) => action.do);

Deno.test("planAccountToken() fills what is missing and is quiet when all is there", () => {
  assert.deepEqual(plan(secret()), ["fill"]);
  const filled = filledSecret(secret(), account, { token: "TOKEN", caPem: "CA" });
  assert.deepEqual(filled.data, { "ca.crt": btoa("CA"), namespace: btoa("ns"), token: btoa("TOKEN") });
  assert.equal(filled.metadata.annotations?.["kubernetes.io/service-account.uid"], "u1");
  assert.deepEqual(plan(filled), []);
  assert.deepEqual(plan({ ...filled, data: { ...filled.data, "ca.crt": btoa("old") } }), ["fill"]);
  const again = filledSecret(filled, account, { token: "OTHER", caPem: "CA" });
  assert.equal(again.data?.token, btoa("TOKEN"), "a token that is there stays");
});

Deno.test("planAccountToken() removes what is for an account that is gone", () => {
  assert.deepEqual(planAccountToken({ secret: secret(), account: undefined, caPem: "CA" }, 0).map((a) => a.do), [
    "remove",
  ]);
  assert.deepEqual(plan(secret({ "kubernetes.io/service-account.uid": "u0" })), ["remove"]);
});
