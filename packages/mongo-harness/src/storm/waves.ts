/** The waves in which the callers of one process come, as the parent lets them. */
export class Waves {
  readonly #begun: PromiseWithResolvers<number>[] = [];
  readonly #mended = Promise.withResolvers<number>();

  /** Resolves with the instant, in milliseconds since the run began, from which the wave's calls are counted. */
  begun(wave: number): Promise<number> {
    // A wave that has not begun when all is mended has no fault any more; its calls are made all the same.
    return Promise.race([this.#of(wave).promise, this.#mended.promise]);
  }

  begin(wave: number, atMs: number): void {
    this.#of(wave).resolve(atMs);
  }

  /** Resolves when all faults of the round are over, with that instant. */
  get mended(): Promise<number> {
    return this.#mended.promise;
  }

  mend(atMs: number): void {
    this.#mended.resolve(atMs);
  }

  #of(wave: number): PromiseWithResolvers<number> {
    return (this.#begun[wave] ??= Promise.withResolvers<number>());
  }
}
