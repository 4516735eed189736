/** Reads what `nft list table` prints, as far as it is needed to compare a table with ours. Pure. */

export interface Listing {
  /** The lines of each chain without its hook, as printed. */
  readonly chains: ReadonlyMap<string, readonly string[]>;
  /** Elements of sets and maps: key → value, "" in sets. What follows a key of a memory set (`timeout`, `expires`) is its value. */
  readonly elements: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

const opening = /^(chain|set|map) (\S+) \{$/;

export function parseListing(text: string): Listing {
  const chains = new Map<string, string[]>();
  const elements = new Map<string, Map<string, string>>();
  const lines = text.split("\n").map((line) => line.trim());
  for (let i = 0; i < lines.length; i++) {
    const start = opening.exec(lines[i]!);
    if (start === null) continue;
    const body: string[] = [];
    for (i++; i < lines.length && lines[i] !== "}"; i++) body.push(lines[i]!);
    if (start[1] === "chain") {
      chains.set(start[2]!, body.filter((line) => !/^type \w+ hook /.test(line)));
    } else elements.set(start[2]!, parseElements(body));
  }
  return { chains, elements };
}

/** `elements = { a : b, c : d }` over any number of lines. */
function parseElements(body: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const first = body.findIndex((line) => line.startsWith("elements = {"));
  if (first < 0) return found;
  const text = body.slice(first).join(" ").replace(/^elements = \{/, "").replace(/\}\s*$/, "");
  for (const element of text.split(",")) {
    const [key, value] = splitElement(element.trim());
    if (key !== "") found.set(key, value);
  }
  return found;
}

function splitElement(element: string): [key: string, value: string] {
  const colon = element.indexOf(" : ");
  if (colon >= 0) return [element.slice(0, colon), element.slice(colon + 3)];
  const more = / (timeout|expires) /.exec(element);
  return more === null ? [element, ""] : [element.slice(0, more.index), element.slice(more.index + 1)];
}
