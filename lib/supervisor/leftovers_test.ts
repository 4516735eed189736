import assert from "assert";
import { systemClock } from "../seams/clock.ts";
import { systemProcesses } from "../seams/process.ts";
import { endLeftovers, endRedis, noteRunning } from "./leftovers.ts";

const options = { clock: systemClock, graceMs: 200 };

Deno.test("endLeftovers() ends what was noted, by force what does not listen, and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  const obedient = systemProcesses.spawn(["sleep", "60"]);
  const deaf = systemProcesses.spawn(["sh", "-c", "trap '' TERM; echo deaf; while :; do sleep 0.05; done"], {
    onLine: () => heard.resolve(),
  });
  const heard = Promise.withResolvers<void>();
  const stranger = systemProcesses.spawn(["sleep", "60"]);
  await heard.promise;
  await noteRunning(dir, "agent", obedient.pid);
  await noteRunning(dir, "proxy", deaf.pid);
  await noteRunning(dir, "apiserver", obedient.pid);
  // As after the number was used again: another process has it.
  const note = await Deno.readTextFile(`${dir}/running/apiserver`);
  await Deno.writeTextFile(`${dir}/running/apiserver`, note.replace(/^\d+/, `${stranger.pid}`).replace(/\d+$/m, "1"));
  assert.deepEqual((await endLeftovers(dir, options)).sort(), ["agent", "proxy"]);
  assert.deepEqual(await Promise.all([obedient.ended, deaf.ended]), [143, 137]);
  assert.deepEqual([...Deno.readDirSync(`${dir}/running`)], []);
  stranger.kill("SIGKILL");
  assert.equal(await stranger.ended, 137, "it lived until now");
  await Deno.remove(dir, { recursive: true });
});

Deno.test("endLeftovers() of a directory where nothing ever ran does nothing", async () => {
  const dir = await Deno.makeTempDir();
  assert.deepEqual(await endLeftovers(dir, options), []);
  await Deno.remove(dir);
});

Deno.test("endRedis() ends the process of the note only if it is this directory's", async () => {
  const dir = await Deno.makeTempDir();
  assert.equal(await endRedis(dir, options), false);
  const own = systemProcesses.spawn(["sh", "-c", "sleep 60 & wait", `${dir}/apiserver/redis/redis.sock`]);
  const stranger = systemProcesses.spawn(["sleep", "60"]);
  await Deno.mkdir(`${dir}/apiserver/redis`, { recursive: true });
  await Deno.writeTextFile(`${dir}/apiserver/redis/redis.pid`, `${stranger.pid}\n`);
  assert.equal(await endRedis(dir, options), false);
  await Deno.writeTextFile(`${dir}/apiserver/redis/redis.pid`, `${own.pid}\n`);
  assert.equal(await endRedis(dir, options), true);
  assert.equal(await own.ended, 143);
  stranger.kill("SIGKILL");
  assert.equal(await stranger.ended, 137, "it lived until now");
  await Deno.remove(dir, { recursive: true });
});
