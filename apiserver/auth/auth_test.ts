import assert from "assert";
import { StatusError } from "../../lib/status.ts";
import { authenticate, staticToken } from "./authenticate.ts";
import { authorize, masters } from "./authorize.ts";
import type { Access } from "./rules.ts";
import { authenticated } from "./user.ts";

const on = (verb: string, name: string, extra: Partial<Access["resource"]> = {}): Access => ({
  verb,
  path: "/",
  resource: { group: "", name, ...extra },
});

Deno.test("authorize() refuses in Kubernetes' words", () => {
  const deployments = on("list", "deployments", { group: "apps", namespace: "default" });
  assert.throws(() => authorize([masters], authenticated("bob"), deployments), {
    message:
      'deployments.apps is forbidden: User "bob" cannot list resource "deployments" in API group "apps" in the namespace "default"',
  });
  assert.throws(() => authorize([masters], authenticated("bob"), on("get", "nodes", { object: "n1" })), {
    message: 'nodes "n1" is forbidden: User "bob" cannot get resource "nodes" in API group "" at the cluster scope',
  });
});

Deno.test("authenticate() takes the token it knows, refuses others, and takes none for anonymous", async () => {
  const known = [staticToken("right")];
  const ask = (authorization?: string) =>
    authenticate(known, { headers: new Headers(authorization === undefined ? {} : { authorization }) });
  assert.equal((await ask("Bearer right")).name, "admin");
  assert.equal((await ask("bearer   right ")).name, "admin");
  assert.equal((await ask()).name, "system:anonymous");
  for (const wrong of ["Bearer wrong", "Bearer ", "Basic cmlnaHQ=", "right", "Bearer right right"]) {
    await assert.rejects(ask(wrong), (error) => error instanceof StatusError && error.code === 401, wrong);
  }
});
