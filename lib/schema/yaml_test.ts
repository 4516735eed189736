import assert from "assert";
import { parseYaml, YamlError } from "./yaml.ts";

Deno.test("parseYaml() reads YAML 1.1 as Kubernetes does", () => {
  const table: [string, unknown][] = [
    ["a: yes\nb: off\nc: 'yes'", { a: true, b: false, c: "yes" }],
    ["mode: 0644", { mode: 420 }],
    ["t: 22:22\nu: 2026-01-01\nv: 2026-01-01T00:00:00Z", { t: "22:22", u: "2026-01-01", v: "2026-01-01T00:00:00Z" }],
    ["a: &x {k: 1}\nb: *x\nc:\n  <<: *x\n  l: 2", { a: { k: 1 }, b: { k: 1 }, c: { k: 1, l: 2 } }],
    ["1: a\ntrue: b", { "1": "a", "true": "b" }],
    ["a: ~\nb:\nc: null", { a: null, b: null, c: null }],
    ["a: |\n  x\n  y\n", { a: "x\ny\n" }],
    ['{"a": 1, "b": [true]}', { a: 1, b: [true] }],
    ["{a: 1}", { a: 1 }],
    ["", null],
  ];
  for (const [text, want] of table) assert.deepEqual(parseYaml(text).value, want, text);
});

Deno.test("parseYaml() names repeated keys by their line", () => {
  assert.deepEqual(parseYaml("a: 1\nb: 2\na: 3\n"), {
    value: { a: 3, b: 2 },
    duplicates: ['line 3: key "a" already set in map'],
  });
});

Deno.test("parseYaml() makes separate values of aliases", () => {
  const { value } = parseYaml("a: &x {k: 1}\nb: *x") as { value: { a: { k: number }; b: { k: number } } };
  value.a.k = 2;
  assert.equal(value.b.k, 1);
});

Deno.test("parseYaml() refuses bombs, other types and what is no YAML", () => {
  const bomb = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (let i = 1; i < 10; i++) {
    const [name, before] = [String.fromCharCode(97 + i), String.fromCharCode(96 + i)];
    bomb.push(`${name}: &${name} [${Array(9).fill(`*${before}`).join(",")}]`);
  }
  const started = performance.now();
  for (
    const text of [
      bomb.join("\n"),
      "[".repeat(100_000),
      "- ".repeat(100_000) + "a",
      "a: b: c",
      "a: [",
      "\ta: 1",
      "a: .inf",
    ]
  ) {
    assert.throws(() => parseYaml(text), YamlError, text.slice(0, 20));
  }
  assert.ok(performance.now() - started < 2000);
});
