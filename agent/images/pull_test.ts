import assert from "assert";
import { FakeClock } from "../../lib/seams/clock.ts";
import { FakeEngine } from "../engine/fake.ts";
import { Keyring } from "./keyring.ts";
import { createImagePuller, ImagePullError, planPull, type PullEvent, type PullPolicy } from "./pull.ts";

function scene() {
  const clock = new FakeClock();
  const engine = new FakeEngine({ clock });
  const puller = createImagePuller({ engine, clock });
  const events: string[] = [];
  const onEvent = (event: PullEvent) => events.push(`${event.type} ${event.reason}: ${event.message}`);
  const ensure = (image: string, policy: PullPolicy, backoffKey = "uid", keyring?: Keyring) =>
    puller.ensure({ image, policy, backoffKey, keyring, onEvent });
  const pulls = () => engine.journal.filter((line) => line.startsWith("pull "));
  return { clock, engine, puller, events, ensure, pulls };
}

const failure = (reason: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof ImagePullError, String(error));
  assert.equal(error.reason, reason);
  assert.match(error.message, message);
  return true;
};

Deno.test("planPull() decides by policy and presence", () => {
  const plans = (["Always", "IfNotPresent", "Never"] as const).map((
    policy,
  ) => [planPull(policy, true), planPull(policy, false)]);
  assert.deepEqual(plans, [["pull", "pull"], ["use", "pull"], ["use", "refuse"]]);
});

Deno.test("ensure() pulls what is absent and says so as the kubelet does", async () => {
  const { engine, events, ensure } = scene();
  engine.publish("web:1");
  const image = await ensure("web:1", "IfNotPresent");
  assert.deepEqual(image.tags, ["docker.io/library/web:1"]);
  await ensure("web:1", "IfNotPresent");
  assert.deepEqual(events, [
    'Normal Pulling: Pulling image "web:1"',
    'Normal Pulled: Successfully pulled image "web:1" in 0ms (0ms including waiting). Image size: 1000000 bytes.',
    'Normal Pulled: Container image "web:1" already present on machine',
  ]);
});

Deno.test("ensure() with policy Never refuses what is absent", async () => {
  const { engine, ensure, events } = scene();
  await assert.rejects(
    ensure("web:1", "Never"),
    failure("ErrImageNeverPull", /^Container image "web:1" is not present with pull policy of Never$/),
  );
  engine.addImage("web:1");
  assert.ok(await ensure("web:1", "Never"));
  assert.equal(
    events[0],
    'Warning ErrImageNeverPull: Container image "web:1" is not present with pull policy of Never',
  );
});

Deno.test("ensure() refuses names that are none", async () => {
  await assert.rejects(
    scene().ensure("NO SUCH", "Always"),
    failure("InvalidImageName", /Failed to apply default image tag "NO SUCH"/),
  );
});

Deno.test("ensure() backs off after failures, per pod, and doubles", async () => {
  const { clock, engine, ensure, pulls, puller } = scene();
  await assert.rejects(ensure("web:1", "IfNotPresent"), failure("ErrImagePull", /manifest unknown/));
  await assert.rejects(
    ensure("web:1", "IfNotPresent"),
    failure("ImagePullBackOff", /^Back-off pulling image "web:1": ErrImagePull: /),
  );
  await assert.rejects(ensure("web:1", "IfNotPresent", "other"), failure("ErrImagePull", /manifest unknown/));
  assert.equal(pulls().length, 2);
  await clock.advance(10_000);
  const error = await ensure("web:1", "IfNotPresent").catch((e) => e);
  assert.deepEqual([error.reason, error.retryAt - clock.now()], ["ErrImagePull", 20_000]);
  puller.forget("uid");
  engine.publish("web:1");
  assert.ok(await ensure("web:1", "IfNotPresent"));
});

Deno.test("ensure() with policy Always uses what is present when the registry does not answer", async () => {
  const { clock, engine, ensure, events, pulls } = scene();
  engine.addImage("web:1");
  engine.registryDown = true;
  assert.ok(await ensure("web:1", "Always"));
  assert.match(events.at(-1)!, /^Warning FailedToPullImage: .*registry is unavailable.*present on the machine is used/);
  assert.ok(await ensure("web:1", "Always"));
  assert.equal(pulls().length, 1, "a registry that did not answer is not asked for each container");
  await clock.advance(60_000);
  engine.registryDown = false;
  await assert.rejects(ensure("web:1", "Always"), failure("ErrImagePull", /manifest unknown/));
});

Deno.test("ensure() says RegistryUnavailable when the image is absent", async () => {
  const { engine, ensure } = scene();
  engine.registryDown = true;
  await assert.rejects(
    ensure("web:1", "Always"),
    failure("RegistryUnavailable", /^image pull failed for web:1 because the registry is unavailable/),
  );
});

Deno.test("ensure() pulls an image once for all who ask, and tries each password", async () => {
  const { engine, ensure, pulls } = scene();
  engine.publish("r.io/a:1");
  await Promise.all(["a", "b", "c"].map((uid) => ensure("r.io/a:1", "Always", uid)));
  assert.equal(pulls().length, 1);
  const auths = { "r.io": { username: "u1", password: "p" }, "r.io/b": { username: "u2", password: "p" } };
  const data = { ".dockerconfigjson": btoa(JSON.stringify({ auths })) };
  const keyring = Keyring.of([{ name: "s", type: "kubernetes.io/dockerconfigjson", data }]);
  engine.publish("r.io/b:1");
  engine.fail("pull", "denied");
  assert.ok(await ensure("r.io/b:1", "Always", "a", keyring));
  engine.fail("pull", "denied", "unauthorized");
  engine.fail("pull", "denied", "unauthorized: twice");
  await assert.rejects(ensure("r.io/b:1", "Always", "a", keyring), failure("ErrImagePull", /unauthorized: twice/));
});

Deno.test("ensure() keeps to the limit of pulls at once", async () => {
  const clock = new FakeClock();
  const engine = new FakeEngine({ clock });
  let now = 0;
  let most = 0;
  const slow = engine.imagePull.bind(engine);
  engine.imagePull = async (ref, options) => {
    most = Math.max(most, ++now);
    await Promise.resolve();
    await slow(ref, options);
    now--;
  };
  const puller = createImagePuller({ engine, clock, parallel: 2 });
  const images = Array.from({ length: 7 }, (_, i) => `image${i}:1`);
  for (const image of images) engine.publish(image);
  await Promise.all(
    images.map((image) => puller.ensure({ image, policy: "Always", backoffKey: "uid", onEvent: () => {} })),
  );
  assert.equal(most, 2);
});
