import assert from "assert";
import { createSecured, type Secured } from "../../tests/harness/secured.ts";
import { FlowSchema, PriorityLevelConfiguration } from "../../lib/types/kinds.ts";
import { flowStorages, followFlowObjects } from "./follow.ts";
import { ensureFlowObjects, planConditions, planFlowObjects } from "./maintain.ts";
import { isTurn, type Seat } from "./level.ts";
import { mandatoryFlowSchemas, suggestedFlowSchemas, suggestedPriorityLevels } from "./suggested.ts";
import { dumpPath } from "./dump.ts";

/** With the objects that every cluster has, and followed. */
async function scene(run: (s: Secured) => Promise<void>): Promise<void> {
  const s = await createSecured();
  await ensureFlowObjects(s.admin, s.clock);
  await s.fixture.cache.fresh();
  const stop = followFlowObjects({ cache: s.fixture.cache, declared: Object.values(flowStorages), flow: s.flow });
  await Promise.resolve();
  try {
    await run(s);
  } finally {
    stop();
    await s.close();
  }
}

/** Over the wire: a user whom the administrator stands for. */
const as = (s: Secured, user: string, path: string, method = "GET") =>
  s.as(null, method, path, undefined, {
    authorization: "Bearer admin-token",
    "impersonate-user": user,
    "impersonate-group": user === "root" ? "system:masters" : "nobody",
  });

const pathOfNobody = "/api/v1/namespaces/default/pods";

/** All seats of the level that ordinary users have, and then some places in the queue of each of bob's hands. */
function fill(s: Secured, user: string): { seats: Seat[]; turns: number } {
  const info = {
    isResource: true,
    verb: "list",
    path: pathOfNobody,
    group: "",
    resource: "pods",
    namespace: "default",
  };
  const request = { user: { name: user, groups: ["system:authenticated"] }, info };
  const found = s.flow.classify(request);
  const seats: Seat[] = [];
  for (let turns = 0;;) {
    const answer = s.flow.ask(found, request, 1);
    if (typeof answer === "string") return { seats, turns };
    if (isTurn(answer)) turns++;
    else seats.push(answer);
  }
}

Deno.test("a user who asks for too much is refused with 429, and others are served in their turn", async () => {
  await scene(async (s) => {
    const free = await as(s, "bob", pathOfNobody);
    assert.equal(free.status, 403, "bob may do nothing, and is told so at once");
    const { seats, turns } = fill(s, "bob");
    assert.ok(seats.length > 20 && turns === 6 * 50, `${seats.length} ${turns}`);
    const refused = await as(s, "bob", pathOfNobody);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get("retry-after"), "1");
    assert.equal(refused.body.reason, "TooManyRequests");
    assert.equal(refused.body.details.retryAfterSeconds, 1);
    const root = await as(s, "root", "/api/v1/namespaces");
    assert.equal(root.status, 200, "the exempt are never refused");
    const level = [...s.flow.levels].find(({ name }) => name === "global-default")!;
    const eve = as(s, "eve", pathOfNobody);
    while (level.work.waiting <= turns) await new Promise((resolve) => setTimeout(resolve, 1));
    seats.splice(0, 20).forEach(({ release }) => release());
    assert.equal((await eve).status, 403, "eve was served after few of bob's");
    seats.forEach(({ release }) => release());
  });
});

Deno.test("a request that waits too long is refused, and one whose client is gone is forgotten", async () => {
  await scene(async (s) => {
    const { seats } = fill(s, "bob");
    const eve = as(s, "eve", pathOfNobody);
    const gone = new AbortController();
    const request = new Request(`http://apiserver${pathOfNobody}`, {
      headers: { authorization: "Bearer admin-token", "impersonate-user": "carol" },
      signal: gone.signal,
    });
    const level = [...s.flow.levels].find(({ name }) => name === "global-default")!;
    const before = level.work.waiting;
    const carol = s.handler(request);
    while (level.work.waiting < before + 1) await new Promise((resolve) => setTimeout(resolve, 1));
    gone.abort();
    assert.equal((await carol).status, 429);
    await s.clock.advance(15_000);
    assert.equal((await eve).status, 429);
    assert.equal(level.work.waiting, 0);
    seats.forEach(({ release }) => release());
    const reasons = [...s.flow.counts].flatMap(({ schema, refused }) =>
      schema === "global-default" ? [...refused] : []
    );
    assert.deepEqual(new Map(reasons).get("cancelled"), 1);
  });
});

Deno.test("a request whose own time is up while it waits takes no seat, then or later", async () => {
  await scene(async (s) => {
    const { seats } = fill(s, "bob");
    const level = [...s.flow.levels].find(({ name }) => name === "global-default")!;
    const before = level.work.waiting;
    const eve = as(s, "eve", `${pathOfNobody}?timeout=2s`);
    while (level.work.waiting < before + 1) await new Promise((resolve) => setTimeout(resolve, 1));
    await s.clock.advance(2_000);
    assert.equal((await eve).status, 504);
    assert.equal(level.work.waiting, before);
    const refused = [...s.flow.counts].flatMap(({ schema, refused }) =>
      schema === "global-default" ? [...refused] : []
    );
    assert.equal(new Map(refused).get("cancelled"), 1);
    seats.forEach(({ release }) => release());
  });
});

Deno.test("administrators, and nobody else, see what the levels do", async () => {
  await scene(async (s) => {
    assert.equal((await as(s, "eve", dumpPath)).status, 403);
    const { seats } = fill(s, "bob");
    const { status, text } = await as(s, "root", dumpPath);
    assert.equal(status, 200);
    assert.match(text, /^PriorityLevelName, +ActiveQueues, +IsIdle, .*CancelledRequests\n/);
    assert.match(text, /\nexempt, +0, +false, +false, +0, +1, +1, +0, +0, +0\n/);
    assert.match(text, new RegExp(`\\nglobal-default, +\\d+, +false, +false, +300, +${seats.length}, `));
    seats.forEach(({ release }) => release());
  });
});

Deno.test("every answer says which schema and level it was of", async () => {
  await scene(async (s) => {
    const { headers } = await as(s, "bob", pathOfNobody);
    const { metadata } = await s.admin.get(FlowSchema, { name: "global-default" });
    assert.equal(headers.get("x-kubernetes-pf-flowschema-uid"), metadata.uid);
    const level = await s.admin.get(PriorityLevelConfiguration, { name: "global-default" });
    assert.equal(headers.get("x-kubernetes-pf-prioritylevel-uid"), level.metadata.uid);
  });
});

Deno.test("a watch holds its seat until it has begun, exec and logs hold none", async () => {
  await scene(async (s) => {
    const level = [...s.flow.levels].find(({ name }) => name === "exempt")!;
    const watching = await s.handler(
      new Request("http://apiserver/api/v1/namespaces?watch=true", {
        headers: { authorization: "Bearer admin-token" },
      }),
    );
    const reader = watching.body!.getReader();
    await reader.read();
    while (level.work.executing > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await reader.cancel();
    const counted = () => [...s.flow.counts].reduce((sum, { waited }) => sum + waited.count, 0);
    const before = counted();
    await as(s, "root", "/api/v1/namespaces/default/pods/x/log");
    assert.equal(counted(), before);
  });
});

Deno.test("an administrator's schema and level count from the moment they are written", async () => {
  await scene(async (s) => {
    await s.admin.create(PriorityLevelConfiguration, {
      metadata: { name: "tight" },
      spec: { type: "Limited", limited: { nominalConcurrencyShares: 1, limitResponse: { type: "Reject" } } },
    });
    await s.admin.create(FlowSchema, {
      metadata: { name: "bobs" },
      spec: {
        priorityLevelConfiguration: { name: "tight" },
        matchingPrecedence: 50,
        rules: [{
          subjects: [{ kind: "User", user: { name: "bob" } }],
          resourceRules: [{ verbs: ["*"], apiGroups: ["*"], resources: ["*"], namespaces: ["*"], clusterScope: true }],
        }],
      },
    });
    await s.fixture.cache.fresh();
    await Promise.resolve();
    const { seats, turns } = fill(s, "bob");
    assert.equal(turns, 0);
    assert.ok(seats.length <= 10, `${seats.length}`);
    assert.equal((await as(s, "bob", pathOfNobody)).status, 429);
    assert.equal((await as(s, "eve", pathOfNobody)).status, 403);
    await s.admin.delete(FlowSchema, { name: "bobs" });
    await s.fixture.cache.fresh();
    await Promise.resolve();
    assert.equal((await as(s, "bob", pathOfNobody)).status, 403);
  });
});

Deno.test("ensureFlowObjects() makes what is missing, mends what is mandatory, and leaves alone what was taken over", async () => {
  await scene(async (s) => {
    const names = (await s.admin.list(FlowSchema)).items.map(({ metadata }) => metadata.name);
    assert.deepEqual(names, [...Object.keys(mandatoryFlowSchemas), ...Object.keys(suggestedFlowSchemas)].sort());
    const taken = await s.admin.get(PriorityLevelConfiguration, { name: "workload-low" });
    taken.metadata.annotations!["apf.kubernetes.io/autoupdate-spec"] = "false";
    taken.spec.limited!.nominalConcurrencyShares = 7;
    await s.admin.update(PriorityLevelConfiguration, taken);
    const kept = await s.admin.get(PriorityLevelConfiguration, { name: "system" });
    kept.spec.limited!.nominalConcurrencyShares = 8;
    await s.admin.update(PriorityLevelConfiguration, kept);
    const exempt = await s.admin.get(PriorityLevelConfiguration, { name: "exempt" });
    exempt.spec.exempt!.nominalConcurrencyShares = 9;
    await s.admin.update(PriorityLevelConfiguration, exempt);
    await s.admin.delete(PriorityLevelConfiguration, { name: "node-high" });
    await ensureFlowObjects(s.admin, s.clock);
    const shares = async (name: string) => (await s.admin.get(PriorityLevelConfiguration, { name })).spec;
    assert.equal((await shares("workload-low")).limited!.nominalConcurrencyShares, 7);
    assert.equal((await shares("exempt")).exempt!.nominalConcurrencyShares, 9);
    assert.deepEqual(await shares("system"), suggestedPriorityLevels.system);
    assert.deepEqual(await shares("node-high"), suggestedPriorityLevels["node-high"]);
    const { items } = await s.admin.list(PriorityLevelConfiguration);
    const plan = planFlowObjects(items, { mandatory: {}, suggested: suggestedPriorityLevels });
    assert.deepEqual(plan.filter(({ do: what }) => what !== "delete"), [], "nothing is left to do");
  });
});

Deno.test("planConditions() says of each schema whether its level exists, once", () => {
  const schema = {
    metadata: { name: "a" },
    spec: { priorityLevelConfiguration: { name: "gone" } },
    status: {},
  } as unknown as Parameters<typeof planConditions>[0][number];
  const [dangling] = planConditions([schema], new Set(), 0);
  assert.deepEqual(dangling!.status.conditions, [{
    type: "Dangling",
    status: "True",
    reason: "NotFound",
    message:
      'This FlowSchema references the PriorityLevelConfiguration object named "gone" but there is no such object',
    lastTransitionTime: "1970-01-01T00:00:00Z",
  }]);
  assert.deepEqual(planConditions([dangling!], new Set(), 99_000), []);
  const [found] = planConditions([dangling!], new Set(["gone"]), 99_000);
  assert.deepEqual(found!.status.conditions!.map(({ status, lastTransitionTime }) => [status, lastTransitionTime]), [
    ["False", "1970-01-01T00:01:39Z"],
  ]);
});
