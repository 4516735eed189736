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
  const cases: [string, (() => Promise<unknown>)[], string][] = [
    ["all is well", [answered, answered], ""],
    ["one is lost", [never, answered, never, answered], "lost found lost found"],
    ["two are lost", [never, never], "lost silent"],
    ["lost and broken ones are alike", [broken, never, broken, answered], "lost silent silent found"],
    ["a refusal is an answer", [never, refused, never], "lost found lost"],
  ];
  for (const [name, requests, wanted] of cases) {
    const clock = new FakeClock();
    const said: string[] = [];
    const heartbeat = new Heartbeat({
      clock,
      onSilence: () => said.push("silent"),
      onLost: () => said.push("lost"),
      onFound: () => said.push("found"),
    });
    for (const request of requests) {
      const beat = heartbeat.beat(request()).catch((error) => error);
      if (request === never) await clock.advance(heartbeatTimeoutMs);
      await beat;
    }
    assert.equal(said.join(" "), wanted, name);
    assert.equal(clock.next, undefined, `${name}: no timer is left`);
  }
});

Deno.test("Heartbeat.beat() rejects when the answer takes too long", async () => {
  const clock = new FakeClock();
  const beat = assert.rejects(new Heartbeat({ clock }).beat(never()), /no answer within 10 s/);
  await clock.advance(heartbeatTimeoutMs);
  await beat;
});
