import assert from "assert";
import { StatusError } from "../status.ts";
import {
  matchesLabels,
  parseLabelSelector,
  selectorFrom,
  selectorFromMap,
  selectorString,
  validateLabelSelector,
} from "./labels.ts";

const labels = { app: "web", tier: "front", n: "5" };

Deno.test("matchesLabels() decides as Kubernetes does", () => {
  const table: Record<string, boolean> = {
    "": true,
    "app=web": true,
    "app==web": true,
    "app = web , tier": true,
    "app!=web": false,
    "x!=1": true,
    "app in (web,db)": true,
    "app notin (web)": false,
    "x notin (web)": true,
    "app": true,
    "!app": false,
    "!x,app": true,
    "n>4": true,
    "n<5": false,
    "n>x1": false,
    "x=": false,
    "app in (db)": false,
    "in in (a)": false,
    "constructor": false,
    "!toString": true,
  };
  for (const [text, want] of Object.entries(table)) {
    if (text === "n>x1") assert.throws(() => parseLabelSelector(text));
    else assert.equal(matchesLabels(parseLabelSelector(text), labels), want, text);
  }
  assert.equal(matchesLabels(parseLabelSelector("a"), undefined), false);
});

Deno.test("selectorString() writes what it parsed, sorted by key", () => {
  const table: Record<string, string> = {
    "x=a,y=b,z=c": "x=a,y=b,z=c",
    "z, a in (c,b,b), !q": "a in (b,c),!q,z",
    "a notin (), b==": "a notin (),b==",
    "a>1,b<2": "a>1,b<2",
    "x in (,a)": "x in (,a)",
    "notin notin (in)": "notin notin (in)",
  };
  for (const [text, want] of Object.entries(table)) {
    assert.equal(selectorString(parseLabelSelector(text)), want);
    assert.equal(selectorString(parseLabelSelector(want)), want);
  }
});

Deno.test("parseLabelSelector() refuses nonsense in Kubernetes' words", () => {
  const table: [string, string][] = [
    ["a=b,", "found '', expected: identifier after ','"],
    [",a", "found ',', expected: !, identifier, or 'end of string'"],
    ["a b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"],
    ["a in", "unable to parse requirement: found '' expected: '('"],
    ["a in (b", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["a=b=c", "found '=', expected: ',' or 'end of string'"],
    ["a=(", "unable to parse requirement: found '(', expected: identifier"],
    ["!", "unable to parse requirement: found '', expected: identifier"],
    [
      "a/b/c",
      "unable to parse requirement: <nil>: Invalid value: \"a/b/c\": a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')",
    ],
  ];
  for (const [text, want] of table) {
    assert.throws(() => parseLabelSelector(text), (e) => {
      assert.ok(e instanceof StatusError && e.code === 400);
      assert.equal(e.message, want);
      return true;
    }, text);
  }
});

Deno.test("selectorFrom() selects nothing without a selector and everything with an empty one", () => {
  assert.equal(matchesLabels(selectorFrom(undefined), labels), false);
  assert.equal(matchesLabels(selectorFrom({}), labels), true);
  const selector = selectorFrom({
    matchLabels: { app: "web" },
    matchExpressions: [{ key: "tier", operator: "In", values: ["front"] }, { key: "x", operator: "DoesNotExist" }],
  });
  assert.equal(matchesLabels(selector, labels), true);
  assert.equal(selectorString(selector), "app=web,tier in (front),!x");
  assert.equal(matchesLabels(selectorFromMap({ app: "db" }), labels), false);
  assert.throws(
    () => selectorFrom({ matchExpressions: [{ key: "a", operator: "Near" }] }),
    /not a valid label selector operator/,
  );
});

Deno.test("validateLabelSelector() reports every error at its path", () => {
  const errors = validateLabelSelector({
    matchLabels: { "a b": "x" },
    matchExpressions: [
      { key: "k", operator: "In" },
      { key: "k", operator: "Exists", values: ["v"] },
      { key: "-", operator: "Like", values: ["a b"] },
    ],
  }, "spec.selector");
  assert.deepEqual(errors.map((e) => e.field), [
    "spec.selector.matchLabels",
    "spec.selector.matchExpressions[0].values",
    "spec.selector.matchExpressions[1].values",
    "spec.selector.matchExpressions[2].operator",
    "spec.selector.matchExpressions[2].key",
    "spec.selector.matchExpressions[2].values[0]",
  ]);
});
