/** Tokens of a label selector's text. Which words are operators depends on where they stand: `in in (in)` is valid. */

export type Token = "word" | "in" | "notin" | "=" | "==" | "!=" | "!" | ">" | "<" | "(" | ")" | "," | "end" | "error";

export interface Item {
  readonly token: Token;
  readonly text: string;
}

const symbols = new Set<string>(["=", "==", "!=", "!", ">", "<", "(", ")", ","]);
const special = new Set("=!(),><");
const space = new Set(" \t\r\n");

export class Lexer {
  #at = 0;
  #peeked: { item: Item; end: number } | undefined;
  constructor(readonly input: string) {}

  /** In `values` position `in` and `notin` are words. */
  peek(position: "values" | "operators"): Item {
    if (this.#peeked === undefined) {
      const start = this.#at;
      const item = this.#scan();
      this.#peeked = { item, end: this.#at };
      this.#at = start;
    }
    return adjusted(this.#peeked.item, position);
  }

  next(position: "values" | "operators"): Item {
    const item = this.peek(position);
    this.#at = this.#peeked!.end;
    this.#peeked = undefined;
    return item;
  }

  #scan(): Item {
    const { input } = this;
    while (this.#at < input.length && space.has(input[this.#at]!)) this.#at++;
    if (this.#at >= input.length) return { token: "end", text: "" };
    return special.has(input[this.#at]!) ? this.#symbol() : this.#word();
  }

  #symbol(): Item {
    const start = this.#at;
    let found = "";
    while (this.#at < this.input.length && special.has(this.input[this.#at]!)) {
      const text = this.input.slice(start, this.#at + 1);
      if (symbols.has(text)) found = text;
      else if (found !== "") break;
      this.#at++;
    }
    return { token: found as Token, text: found };
  }

  #word(): Item {
    const start = this.#at;
    while (this.#at < this.input.length) {
      const c = this.input[this.#at]!;
      if (special.has(c) || space.has(c)) break;
      this.#at++;
    }
    const text = this.input.slice(start, this.#at);
    return { token: text === "in" || text === "notin" ? text : "word", text };
  }
}

function adjusted(item: Item, position: "values" | "operators"): Item {
  if (position === "values" && (item.token === "in" || item.token === "notin")) {
    return { token: "word", text: item.text };
  }
  return item;
}
