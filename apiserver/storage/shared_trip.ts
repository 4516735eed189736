/** One question that many ask at once: they share its answer, but never one that was asked for before they came. */
export class SharedTrip<T> {
  readonly #ask: () => Promise<T>;
  #underWay: Promise<T> | undefined;
  #next: Promise<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** Begins a trip, or waits for the one that begins after the present one. */
  ask(): Promise<T> {
    if (this.#underWay === undefined) return this.#begin();
    this.#next ??= this.#underWay.then(() => {}, () => {}).then(() => {
      this.#next = undefined;
      return this.#begin();
    });
    return this.#next;
  }

  #begin(): Promise<T> {
    const trip = this.#ask().finally(() => {
      if (this.#underWay === trip) this.#underWay = undefined;
    });
    this.#underWay = trip;
    return trip;
  }
}
