/**
 * resourceVersion × resourceVersionMatch × limit × continue, all of it, as the tables of Kubernetes' API concepts have it; and what a get
 * and a watch make of a resourceVersion.
 */
import assert from "assert";
import { createFixture, type Fixture } from "../harness/rest.ts";

const maps = "/api/v1/namespaces/d/configmaps";
const limits = ["", "limit=2"];
/** Revisions 1 to 4 make a, b, c, d; 5 changes a. */
const latest = 5;
const revisions = {
  unset: "",
  zero: "resourceVersion=0",
  past: "resourceVersion=3",
  now: "resourceVersion=5",
  future: "resourceVersion=99",
};
type Asked = keyof typeof revisions;

/** `latest`: all there is. `past`: as it was at revision 3. `more`: what the token goes on with. Otherwise a code and a message. */
type Outcome = "latest" | "past" | "more" | [code: number, message: string];

const needsRevision: Outcome = [422, "resourceVersionMatch is forbidden unless resourceVersion is provided"];
const exactZero: Outcome = [422, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'];
const matchAndToken: Outcome = [422, "resourceVersionMatch is forbidden when continue is provided"];
const revisionAndToken: Outcome = [400, "specifying resource version is not allowed when using continue"];
const tooLarge: Outcome = [504, "Too large resource version: 99, current: 5"];
const unsupported: Outcome = [422, 'Unsupported value: "Newest": supported values: "Exact", "NotOlderThan", ""'];

const notOlder: Record<Asked, Outcome> = {
  unset: "latest",
  zero: "latest",
  past: "latest",
  now: "latest",
  future: tooLarge,
};
const exact: Record<Asked, Outcome> = { ...notOlder, past: "past" };
const all = (outcome: Outcome): Record<Asked, Outcome> => ({
  unset: outcome,
  zero: outcome,
  past: outcome,
  now: outcome,
  future: outcome,
});

/** By match, limit and token. */
const table: [match: string, limit: boolean, token: boolean, Record<Asked, Outcome>][] = [
  ["", false, false, notOlder],
  ["", true, false, exact],
  ["", false, true, { ...all(revisionAndToken), unset: "more", zero: "more" }],
  ["", true, true, { ...all(revisionAndToken), unset: "more", zero: "more" }],
  ["Exact", false, false, { ...exact, unset: needsRevision, zero: exactZero }],
  ["Exact", true, false, { ...exact, unset: needsRevision, zero: exactZero }],
  ["Exact", false, true, all(matchAndToken)],
  ["Exact", true, true, all(matchAndToken)],
  ["NotOlderThan", false, false, { ...notOlder, unset: needsRevision }],
  ["NotOlderThan", true, false, { ...notOlder, unset: needsRevision }],
  ["NotOlderThan", false, true, all(matchAndToken)],
  ["NotOlderThan", true, true, all(matchAndToken)],
  ["Newest", false, false, all(unsupported)],
  ["Newest", true, false, all(unsupported)],
  ["Newest", false, true, all(unsupported)],
  ["Newest", true, true, all(unsupported)],
];

async function withFour(): Promise<Fixture> {
  const f = await createFixture();
  for (const name of ["a", "b", "c", "d"]) await f.send("POST", maps, { metadata: { name } });
  const type = { "content-type": "application/merge-patch+json" };
  await f.send("PATCH", `${maps}/a`, { data: { changed: "yes" } }, type);
  return f;
}

Deno.test("a list is of the revision that was asked for, with every match, limit and token", async () => {
  const f = await withFour();
  const { metadata } = (await f.send("GET", `${maps}?limit=1`)).body;
  const token = `continue=${encodeURIComponent(metadata.continue)}`;
  for (const [match, limited, continued, outcomes] of table) {
    for (const asked of Object.keys(revisions) as Asked[]) {
      const limit = limits[Number(limited)]!;
      const wanted = match === "" ? "" : `resourceVersionMatch=${match}`;
      const query = [revisions[asked], wanted, limit, continued ? token : ""].filter(Boolean).join("&");
      const outcome = outcomes[asked];
      const { status, body } = await f.send("GET", `${maps}?${query}`);
      if (typeof outcome !== "string") {
        assert.equal(status, outcome[0], query);
        assert.ok(body.message.includes(outcome[1]), `${query}: ${body.message}`);
        continue;
      }
      assert.equal(status, 200, `${query}: ${body.message}`);
      const from = outcome === "past" ? ["a", "b", "c"] : outcome === "more" ? ["b", "c", "d"] : ["a", "b", "c", "d"];
      const names = body.items.map((item: { metadata: { name: string } }) => item.metadata.name);
      assert.deepEqual(names, limited ? from.slice(0, 2) : from, query);
      assert.equal(body.metadata.resourceVersion, String(outcome === "past" ? 3 : latest), query);
      assert.equal(body.metadata.remainingItemCount, limited ? from.length - 2 : undefined, query);
      assert.equal(typeof body.metadata.continue, limited ? "string" : "undefined", query);
      if (outcome !== "more") assert.equal(body.items[0].data?.changed, outcome === "past" ? undefined : "yes", query);
    }
  }
  await f.close();
});

Deno.test("a get is as recent as it was asked to be", async () => {
  const f = await withFour();
  const outcomes: Record<Asked, number> = { unset: 200, zero: 200, past: 200, now: 200, future: 504 };
  for (const [asked, code] of Object.entries(outcomes)) {
    const { status, body } = await f.send("GET", `${maps}/a?${revisions[asked as Asked]}`);
    assert.equal(status, code, asked);
    if (code === 200) assert.equal(body.metadata.resourceVersion, "5", "never older than what is there");
    else {assert.deepEqual(body.details.causes, [{
        reason: "ResourceVersionTooLarge",
        message: "Too large resource version",
      }]);}
  }
  await f.close();
});

Deno.test("a read sees what was written before it, whoever wrote it", async () => {
  const f = await withFour();
  const names = ["e", "f", "g", "h", "i"];
  await Promise.all(names.map(async (name) => {
    const { status, body } = await f.send("POST", maps, { metadata: { name } });
    assert.equal(status, 201);
    const [one, list] = await Promise.all([f.send("GET", `${maps}/${name}`), f.send("GET", maps)]);
    assert.equal(one.body.metadata.resourceVersion, body.metadata.resourceVersion);
    assert.ok(list.body.items.some((item: { metadata: { name: string } }) => item.metadata.name === name));
    assert.ok(Number(list.body.metadata.resourceVersion) >= Number(body.metadata.resourceVersion));
  }));
  await f.close();
});

/** `state`: all there is. `since`: what came after revision 3. `none`: only what is to come. `expired`: one ERROR event. */
type Begun = "state" | "since" | "none" | "expired" | [code: number, message: string];

const needsMatch: Begun = [422, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"];
const needsInitial: Begun = [422, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"];
const plain: Record<Asked, Begun> = { unset: "state", zero: "state", past: "since", now: "none", future: "expired" };
const every = (begun: Begun): Record<Asked, Begun> => ({
  unset: begun,
  zero: begun,
  past: begun,
  now: begun,
  future: begun,
});

/** By sendInitialEvents and match. */
const watches: [initial: string, match: string, Record<Asked, Begun>][] = [
  ["", "", plain],
  ["", "NotOlderThan", every(needsInitial)],
  ["", "Exact", every(needsInitial)],
  ["true", "", every(needsMatch)],
  ["true", "Exact", every(needsMatch)],
  ["true", "NotOlderThan", { ...every("state"), future: [504, "Too large resource version: 99, current: 5"] }],
  ["false", "", every(needsMatch)],
  ["false", "Exact", every(needsMatch)],
  ["false", "NotOlderThan", {
    unset: "none",
    zero: "none",
    past: "since",
    now: "none",
    future: [504, "Too large resource version: 99, current: 5"],
  }],
];

const begins: Record<Exclude<Begun, unknown[]>, string[]> = {
  state: ["ADDED a", "ADDED b", "ADDED c", "ADDED d"],
  since: ["ADDED d", "MODIFIED a"],
  none: [],
  expired: ["ERROR Expired"],
};

Deno.test("a watch begins where it was asked to, with every match, initial events and bookmarks", async () => {
  for (const [initial, match, begun] of watches) {
    for (const asked of Object.keys(revisions) as Asked[]) {
      for (const bookmarks of [false, true]) {
        const f = await withFour();
        const words = [
          revisions[asked],
          initial && `sendInitialEvents=${initial}`,
          match && `resourceVersionMatch=${match}`,
          bookmarks && "allowWatchBookmarks=true",
        ];
        const query = words.filter(Boolean).join("&");
        const response = await f.raw("GET", `${maps}?watch=true&timeoutSeconds=1&${query}`);
        const outcome = begun[asked];
        if (typeof outcome !== "string") {
          assert.equal(response.status, outcome[0], query);
          assert.ok((await response.text()).includes(outcome[1]), query);
        } else {
          const wanted = [...begins[outcome]];
          if (initial === "true" && bookmarks) wanted.push("BOOKMARK end");
          if (outcome !== "expired") {
            await f.send("POST", maps, { metadata: { name: "e" } });
            wanted.push("ADDED e");
            if (bookmarks) wanted.push("BOOKMARK");
          }
          await f.clock.advance(1000);
          assert.deepEqual(shownIn(await response.text()), wanted, query);
        }
        await f.close();
      }
    }
  }
});

/** The events of a watch that has ended. */
function shownIn(text: string): string[] {
  return text.trim().split("\n").map((line) => {
    const { type, object } = JSON.parse(line);
    const end = object.metadata.annotations?.["k8s.io/initial-events-end"] === "true";
    return [type, object.metadata.name ?? object.reason ?? (end ? "end" : undefined)].filter(Boolean).join(" ");
  });
}
