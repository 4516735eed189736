/** Bytes that wait for one reader. It holds what it is given: who pushes looks at `bytes`, or awaits room(). */
export class ByteQueue {
  #chunks: Uint8Array[] = [];
  #ended = false;
  #wakeReader: () => void = () => {};
  #waiting: { below: number; resolve: () => void }[] = [];
  bytes = 0;

  push(data: Uint8Array): void {
    if (this.#ended || data.length === 0) return;
    this.#chunks.push(data);
    this.bytes += data.length;
    this.#wakeReader();
  }

  /** What was pushed can still be read; nobody waits for room any more. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** The reader has left: nothing is kept any more. */
  discard(): void {
    this.#ended = true;
    this.#chunks = [];
    this.bytes = 0;
    this.#wakeReader();
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when at most `below` bytes wait. */
  room(below: number): Promise<void> {
    if (this.#ended || this.bytes <= below) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ below, resolve }));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.bytes -= chunk.length;
          this.#wakeWriters();
          yield chunk;
        } else if (this.#ended) {
          return;
        } else {
          await new Promise<void>((resolve) => this.#wakeReader = resolve);
        }
      }
    } finally {
      this.discard();
    }
  }

  #wakeWriters(): void {
    const ready = this.#waiting.filter(({ below }) => this.bytes <= below);
    this.#waiting = this.#waiting.filter(({ below }) => this.bytes > below);
    for (const { resolve } of ready) resolve();
  }
}
