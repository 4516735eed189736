import assert from "assert";
import { SharedTrip } from "./shared_trip.ts";

Deno.test("SharedTrip() lets those share a trip who asked before it began, and no one else", async () => {
  const trips: PromiseWithResolvers<number>[] = [];
  const trip = new SharedTrip(() => {
    trips.push(Promise.withResolvers());
    return trips.at(-1)!.promise;
  });
  const first = trip.ask();
  const [second, third] = [trip.ask(), trip.ask()];
  assert.equal(trips.length, 1);
  trips[0]!.resolve(1);
  assert.equal(await first, 1);
  while (trips.length < 2) await Promise.resolve();
  const fourth = trip.ask();
  trips[1]!.reject(new Error("lost"));
  await assert.rejects(second, /lost/);
  await assert.rejects(third, /lost/);
  while (trips.length < 3) await Promise.resolve();
  trips[2]!.resolve(3);
  assert.equal(await fourth, 3);
  assert.equal(trips.length, 3);
});
