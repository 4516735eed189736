import assert from "assert";
import { figure, line, meets, PrintedReport, ratio } from "./report.ts";

Deno.test("figure() shows three digits that count", () => {
  assert.deepEqual([0.5234, 7.26, 81.26, 812.4, 12345.6, NaN].map(figure), [
    "0.52",
    "7.26",
    "81.3",
    "812",
    "12,346",
    "-",
  ]);
});

Deno.test("meets() knows which way is good", () => {
  assert.equal(meets(5, { atLeast: 5 }), true);
  assert.equal(meets(4.9, { atLeast: 5 }), false);
  assert.equal(meets(5.1, { atMost: 5 }), false);
});

Deno.test("ratio() is above 1 for what is better, high or low", () => {
  const peer = { name: "p", value: 100, here: true };
  assert.equal(ratio({ what: "w", value: 200, unit: "/s", peer }), 2);
  assert.equal(ratio({ what: "w", value: 50, unit: "ms", peer }), 2);
  assert.equal(ratio({ what: "w", value: 50, unit: "ratio", target: { atLeast: 1 }, peer }), 0.5);
});

Deno.test("line() shows what was missed, and which peers were measured elsewhere", () => {
  const text = line({
    what: "create",
    value: 1234,
    unit: "/s",
    target: { atLeast: 2000 },
    peer: { name: "kube", value: 617, here: false },
  });
  assert.match(text, /^create +1,234 \/s +>= 2,000 +kube 617 \* +2\.00x +MISSED$/);
});

Deno.test("PrintedReport.summary() counts figures, targets and what was not run", () => {
  const lines: string[] = [];
  const report = new PrintedReport((text) => lines.push(text));
  report.add({ what: "a", value: 1, unit: "ms", target: { atMost: 2 } });
  report.add({ what: "b", value: 3, unit: "ms", target: { atMost: 2 } });
  report.skip("c", "no engine");
  assert.equal(report.summary(), "2 figures, 1 of 2 targets met, 1 not run");
  assert.equal(lines.length, 3);
});
