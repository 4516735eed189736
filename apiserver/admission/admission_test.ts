import assert from "assert";
import { createFixture, type Fixture } from "../../tests/harness/rest.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { everythingAllowed, noQuotas } from "../../tests/harness/secured.ts";
import { admissionPlugins } from "./mod.ts";

const admission = admissionPlugins({ permissions: everythingAllowed, random: seededRandom(1), quota: noQuotas });
const pods = "/api/v1/namespaces/n/pods";
const merge = { "content-type": "application/merge-patch+json" };

/** With the namespace `n` and its default account. */
async function create(): Promise<Fixture> {
  const f = await createFixture({ admission });
  await f.send("POST", "/api/v1/namespaces", { metadata: { name: "n" } });
  const account = { metadata: { name: "default" }, imagePullSecrets: [{ name: "pull" }] };
  assert.equal((await f.send("POST", "/api/v1/namespaces/n/serviceaccounts", account)).status, 201);
  return f;
}

const pod = (spec: object = {}, name = "p") => ({ metadata: { name }, spec: { containers: [{ name: "c" }], ...spec } });

Deno.test("namespaceLifecycle lets nothing into namespaces that are not there, or are going", async () => {
  const f = await create();
  const missing = await f.send("POST", "/api/v1/namespaces/none/configmaps", { metadata: { name: "a" } });
  assert.deepEqual([missing.status, missing.body.message], [404, 'namespaces "none" not found']);
  await f.send("POST", "/api/v1/namespaces/n/configmaps", { metadata: { name: "a" } });
  await f.send("DELETE", "/api/v1/namespaces/n");
  await f.cache.fresh();
  const late = await f.send("POST", "/api/v1/namespaces/n/configmaps", { metadata: { name: "b" } });
  assert.equal(late.status, 403);
  assert.equal(
    late.body.message,
    'configmaps "b" is forbidden: unable to create new content in namespace n because it is being terminated',
  );
  assert.deepEqual(late.body.details.causes, [
    { reason: "NamespaceTerminating", message: "namespace n is being terminated", field: "metadata.namespace" },
  ]);
  const update = await f.send("PATCH", "/api/v1/namespaces/n/configmaps/a", { data: { x: "1" } }, merge);
  assert.equal(update.status, 200, "what is there may be changed");
  assert.equal((await f.send("DELETE", "/api/v1/namespaces/n/configmaps/a")).status, 200);
  await f.close();
});

Deno.test("namespaceLifecycle keeps the namespaces that the cluster itself needs", async () => {
  const f = await create();
  for (const name of ["default", "kube-system", "kube-public", "kube-node-lease"]) {
    await f.send("POST", "/api/v1/namespaces", { metadata: { name } });
    const answer = await f.send("DELETE", `/api/v1/namespaces/${name}`);
    assert.deepEqual([answer.status, answer.body.message], [
      403,
      `namespaces "${name}" is forbidden: this namespace may not be deleted`,
    ]);
  }
  await f.close();
});

Deno.test("serviceAccount gives a pod its account, and the account's pull secrets", async () => {
  const f = await create();
  const { body } = await f.send("POST", pods, pod());
  assert.deepEqual(
    [body.spec.serviceAccountName, body.spec.serviceAccount, body.spec.imagePullSecrets],
    ["default", "default", [{ name: "pull" }]],
  );
  const own = (await f.send("POST", pods, pod({ imagePullSecrets: [{ name: "own" }] }, "q"))).body;
  assert.deepEqual(own.spec.imagePullSecrets, [{ name: "own" }]);
  const unknown = await f.send("POST", pods, pod({ serviceAccountName: "none" }, "r"));
  assert.deepEqual([unknown.status, unknown.body.message], [
    403,
    'pods "r" is forbidden: error looking up service account n/none: serviceaccount "none" not found',
  ]);
  const mirror = { ...pod({ serviceAccountName: "default" }, "m") };
  Object.assign(mirror.metadata, { annotations: { "kubernetes.io/config.mirror": "x" } });
  assert.equal(
    (await f.send("POST", pods, mirror)).body.message,
    'pods "m" is forbidden: a mirror pod may not reference service accounts',
  );
  await f.close();
});

Deno.test("serviceAccount waits a while for the default account of a new namespace", async () => {
  const f = await createFixture({ admission });
  await f.send("POST", "/api/v1/namespaces", { metadata: { name: "n" } });
  const early = f.send("POST", pods, pod());
  await f.send("POST", "/api/v1/namespaces/n/serviceaccounts", { metadata: { name: "default" } });
  assert.equal((await early).status, 201);
  await f.send("DELETE", "/api/v1/namespaces/n/serviceaccounts/default");
  await f.cache.fresh();
  const never = f.send("POST", pods, pod({}, "q"));
  for (let i = 0; i < 50; i++) await f.clock.advance(100);
  assert.equal((await never).status, 403);
  await f.close();
});

Deno.test("defaultTolerationSeconds adds what the pod does not say itself", async () => {
  const f = await create();
  const key = (name: string) => `node.kubernetes.io/${name}`;
  const added = (name: string) => ({ key: key(name), operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 });
  const table: [object[] | undefined, object[]][] = [
    [undefined, [added("not-ready"), added("unreachable")]],
    [[{ operator: "Exists" }], []],
    [[{ key: key("not-ready"), operator: "Exists" }], [added("unreachable")]],
    [[{ key: key("not-ready"), operator: "Exists", effect: "NoSchedule" }], [added("not-ready"), added("unreachable")]],
  ];
  for (const [i, [tolerations, want]] of table.entries()) {
    const { body } = await f.send("POST", pods, pod({ tolerations }, `p${i}`));
    assert.deepEqual(body.spec.tolerations, [...tolerations ?? [], ...want]);
  }
  await f.close();
});

Deno.test("priority comes from the class, and from nowhere else", async () => {
  const f = await create();
  const table: [object, number | string][] = [
    [{}, 0],
    [{ priority: 0 }, 0],
    [{ priorityClassName: "system-node-critical" }, 2_000_001_000],
    [{ priorityClassName: "system-cluster-critical" }, 2_000_000_000],
    [{ priorityClassName: "none" }, "no PriorityClass with name none was found"],
    [
      { priority: 5 },
      "the integer value of priority (5) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name",
    ],
    [
      { preemptionPolicy: "Never" },
      "the string value of PreemptionPolicy (Never) must not be provided in pod spec; priority admission controller computed PreemptLowerPriority from the given PriorityClass name",
    ],
  ];
  for (const [i, [spec, want]] of table.entries()) {
    const { status, body } = await f.send("POST", pods, pod(spec, `p${i}`));
    if (typeof want === "number") assert.equal(body.spec?.priority, want);
    else assert.deepEqual([status, body.message], [403, `pods "p${i}" is forbidden: ${want}`]);
  }
  const replaced = await f.send("PUT", `${pods}/p2`, pod({ priorityClassName: "system-node-critical" }, "p2"));
  assert.equal(replaced.body.spec.priority, 2_000_001_000, "an update that leaves it out does not change it");
  await f.close();
});

Deno.test("serviceAccount puts the account's token where clients look for it, unless the pod or the account says no", async () => {
  const f = await create();
  const path = "/var/run/secrets/kubernetes.io/serviceaccount";
  const own = [{ name: "own", volumeMounts: [{ name: "v", mountPath: path }] }];
  const made = await f.send(
    "POST",
    pods,
    pod({ containers: [{ name: "c" }, ...own], initContainers: [{ name: "i" }] }),
  );
  const { volumes, containers, initContainers } = made.body.spec;
  assert.equal(volumes.length, 1);
  assert.match(volumes[0].name, /^kube-api-access-[a-z0-9]{5}$/);
  assert.deepEqual(volumes[0].projected.sources.map((source: object) => Object.keys(source)[0]), [
    "serviceAccountToken",
    "configMap",
    "downwardAPI",
  ]);
  const mount = { name: volumes[0].name, readOnly: true, mountPath: path };
  assert.deepEqual([containers[0].volumeMounts, initContainers[0].volumeMounts], [[mount], [mount]]);
  assert.deepEqual(containers[1].volumeMounts, own[0]!.volumeMounts, "what is there stays");
  const without = await f.send("POST", pods, pod({ automountServiceAccountToken: false }, "without"));
  assert.equal(without.body.spec.volumes, undefined);
  await f.send("POST", "/api/v1/namespaces/n/serviceaccounts", {
    metadata: { name: "quiet" },
    automountServiceAccountToken: false,
  });
  const quiet = await f.send("POST", pods, pod({ serviceAccountName: "quiet" }, "quiet"));
  assert.equal(quiet.body.spec.volumes, undefined);
  const asked = await f.send(
    "POST",
    pods,
    pod({ serviceAccountName: "quiet", automountServiceAccountToken: true }, "asked"),
  );
  assert.equal(asked.body.spec.volumes.length, 1, "the pod's word counts more");
  await f.close();
});

Deno.test("serviceAccount keeps pods to the secrets of an account that says so", async () => {
  const f = await create();
  const annotations = { "kubernetes.io/enforce-mountable-secrets": "true" };
  const account = { metadata: { name: "strict", annotations }, secrets: [{ name: "mine" }] };
  await f.send("POST", "/api/v1/namespaces/n/serviceaccounts", account);
  const volume = (secretName: string) => ({ volumes: [{ name: "v", secret: { secretName } }] });
  const env = {
    containers: [{ name: "c", env: [{ name: "E", valueFrom: { secretKeyRef: { name: "other", key: "k" } } }] }],
  };
  const send = (spec: object) => f.send("POST", pods, pod({ serviceAccountName: "strict", ...spec }, "s"));
  for (const spec of [volume("other"), env, { imagePullSecrets: [{ name: "other" }] }]) {
    const { status, body } = await send(spec);
    assert.equal(status, 403);
    assert.match(body.message, /is not allowed because service account "strict" does not reference that/);
  }
  assert.equal((await send(volume("mine"))).status, 201);
  await f.close();
});
