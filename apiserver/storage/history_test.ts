import assert from "assert";
import { mergeHistories, type XReadReply } from "./history.ts";
import { plain } from "./split.ts";

const entry = (revision: number): readonly [string, readonly string[]] => [
  `${revision}-0`,
  ["t", "put", "r", "things", "k", `k${revision}`, "v", `{"rv":${revision}}`],
];

/** Merges streams given by their revisions; answers the revisions, or "gap". */
function merged(streams: number[][], asked: { after?: number; revision: number; count?: number }): number[] | "gap" {
  const reply = streams.map((revisions, i) => [`log${i}`, revisions.map(entry)]) as unknown as XReadReply;
  const { changes, gap } = mergeHistories(reply, { after: 0, count: 100, codec: plain, ...asked });
  return gap ? "gap" : changes.map((change) => change.revision);
}

Deno.test("mergeHistories() merges, cuts where a stream was cut, and finds every hole", () => {
  const check = (streams: number[][], asked: Parameters<typeof merged>[1], expected: number[] | "gap") =>
    assert.deepEqual(merged(streams, asked), expected, JSON.stringify({ streams, asked }));
  check([[1, 4], [2], [3, 5]], { revision: 5 }, [1, 2, 3, 4, 5]);
  // The first stream has more: what the second has beyond its last entry has to wait.
  check([[1, 2], [3, 6]], { revision: 6, count: 2 }, [1, 2]);
  check([[1, 3], [2]], { revision: 9, count: 2 }, [1, 2, 3]);
  check([[2, 3]], { revision: 3 }, "gap");
  check([[1, 3]], { revision: 3 }, "gap");
  check([[1, 2]], { revision: 3 }, "gap");
  check([[1, 3], [5]], { revision: 5, count: 2 }, "gap");
  check([[8, 9]], { after: 7, revision: 9 }, [8, 9]);
  check([], { after: 7, revision: 7 }, []);
  check([], { after: 7, revision: 8 }, "gap");
});

Deno.test("mergeHistories() takes no answer for an empty one, and refuses entries that are not ours", () => {
  const asked = { after: 3, revision: 3, count: 10, codec: plain };
  assert.deepEqual(mergeHistories(null, asked), { changes: [], gap: false });
  const foreign: XReadReply = [["log", [["1-0", ["password", "x"]]]]];
  assert.throws(() => mergeHistories(foreign, { ...asked, after: 0, revision: 1 }), /1-0 is not one of ours: password/);
});
