import assert from "assert";
import { heartbeatTimeoutMs } from "../limits.ts";
import { FakeClock } from "../seams/clock.ts";
import { statusError } from "../status.ts";
import { Heartbeat } from "./heartbeat.ts";

const never = () => new Promise<never>(() => {});
const broken = () => Promise.reject(new Error("connection reset"));
const refused = () => Promise.reject(statusError("Conflict", "somebody else wrote"));
const answered = () => Promise.resolve("ok");

Deno.test("Heartbeat calls for new connections when two in a row are not answered, and at each further one", async () => {
  const cases: [string, (() => Promise<unknown>)[], number][] = [
    ["all is well", [answered, answered], 0],
    ["one is lost", [never, answered, never, answered], 0],
    ["two are lost", [never, never], 1],
    ["lost and broken ones are alike", [broken, never, broken], 2],
    ["a refusal is an answer", [never, refused, never], 0],
  ];
  for (const [name, requests, wanted] of cases) {
    const clock = new FakeClock();
    let silences = 0;
    const heartbeat = new Heartbeat({ clock, onSilence: () => silences++ });
    for (const request of requests) {
      const beat = heartbeat.beat(request()).catch((error) => error);
      if (request === never) await clock.advance(heartbeatTimeoutMs);
      await beat;
    }
    assert.equal(silences, wanted, name);
    assert.equal(clock.next, undefined, `${name}: no timer is left`);
  }
});

Deno.test("Heartbeat.beat() rejects when the answer takes too long", async () => {
  const clock = new FakeClock();
  const beat = assert.rejects(new Heartbeat({ clock }).beat(never()), /no answer within 10 s/);
  await clock.advance(heartbeatTimeoutMs);
  await beat;
});
