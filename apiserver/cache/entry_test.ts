import assert from "assert";
import { cacheParsedCharactersMax } from "../../lib/limits.ts";
import { StoredEntry } from "./entry.ts";

const textOf = (name: string, characters: number) =>
  JSON.stringify({ metadata: { name }, data: { k: "x".repeat(characters) } });

Deno.test("StoredEntry.object is the same as long as few others are parsed", () => {
  const entry = new StoredEntry({ key: "a/b", revision: 1, value: textOf("b", 100) });
  assert.equal(entry.object, entry.object);
  assert.equal(entry.object.metadata.name, "b");
});

Deno.test("StoredEntry.object is let go when many others were parsed since, and parsed again when asked for", () => {
  const entry = new StoredEntry({ key: "a/b", revision: 1, value: textOf("b", 100) });
  const before = entry.object;
  const many = cacheParsedCharactersMax / 2 ** 16 + 1;
  for (let i = 0; i < many; i++) new StoredEntry({ key: `a/${i}`, revision: 1, value: textOf(`${i}`, 2 ** 16) }).object;
  assert.notEqual(entry.object, before);
  assert.deepEqual(entry.object, before);
});

Deno.test("StoredEntry.text is the same before and after its bytes were asked for", () => {
  const text = textOf("ü–😀", 3);
  const entry = new StoredEntry({ key: "a/b", revision: 1, value: text });
  assert.equal(entry.text, text);
  assert.deepEqual(entry.bytes, new TextEncoder().encode(text));
  assert.equal(entry.bytes, entry.bytes);
  assert.equal(entry.text, text);
  assert.equal(entry.length, text.length);
});
