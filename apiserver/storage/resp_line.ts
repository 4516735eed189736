/**
 * The least of a Redis client, for the embedded server's own care: one question at a time on a unix socket, and the news
 * that the other side has ended. Everything else goes through ioredis.
 */

/** One connection. */
export class Line {
  /** Resolves when the connection has ended, from whichever side. */
  readonly ended: Promise<void>;
  readonly #conn: Deno.UnixConn;
  #buffer = "";
  #answer: ((line: string | undefined) => void) | undefined;
  #over = false;

  private constructor(conn: Deno.UnixConn) {
    this.#conn = conn;
    this.ended = this.#read();
  }

  /** undefined if nobody listens there. */
  static async open(socket: string): Promise<Line | undefined> {
    try {
      return new Line(await Deno.connect({ transport: "unix", path: socket }));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) return undefined;
      throw error;
    }
  }

  /** Asks without waiting for an answer. */
  send(...words: string[]): void {
    const text = `*${words.length}\r\n` + words.map((word) => `$${word.length}\r\n${word}\r\n`).join("");
    // A failed write means that the connection has ended, which `ended` tells.
    this.#conn.write(new TextEncoder().encode(text)).catch(() => {});
  }

  /** The answer as it is on the wire, without its last line end; undefined if the connection ended first. */
  async ask(...words: string[]): Promise<string | undefined> {
    if (this.#over) return undefined;
    const answer = new Promise<string | undefined>((resolve) => this.#answer = resolve);
    this.send(...words);
    return await answer;
  }

  close(): void {
    try {
      this.#conn.close();
    } catch (error) {
      // Closed before.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #read(): Promise<void> {
    const chunk = new Uint8Array(16_384);
    const decoder = new TextDecoder();
    try {
      for (let n = await this.#conn.read(chunk); n !== null; n = await this.#conn.read(chunk)) {
        this.#buffer += decoder.decode(chunk.subarray(0, n), { stream: true });
        this.#deliver();
      }
    } catch {
      // A broken connection has ended just as a closed one.
    }
    this.#over = true;
    this.#answer?.(undefined);
    this.close();
  }

  #deliver(): void {
    const end = this.#buffer.indexOf("\r\n");
    if (end < 0) return;
    const bulk = /^\$(\d+)$/.exec(this.#buffer.slice(0, end));
    const size = bulk === null ? end : end + 2 + Number(bulk[1]);
    if (this.#buffer.length < size + 2) return;
    const answer = this.#buffer.slice(0, size);
    this.#buffer = this.#buffer.slice(size + 2);
    this.#answer?.(answer);
    this.#answer = undefined;
  }
}

/** One question on a connection of its own. Throws Error if there is no answer, or if it is an error. */
export async function call(socket: string, ...words: string[]): Promise<string> {
  const line = await Line.open(socket);
  const answer = await line?.ask(...words);
  line?.close();
  if (answer === undefined) throw new Error(`${socket}: no answer to ${words[0]}`);
  if (answer.startsWith("-")) throw new Error(`${socket}: ${words[0]}: ${answer.slice(1)}`);
  return answer;
}
