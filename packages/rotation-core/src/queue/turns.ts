/** Lets calls for one key run one after the other, in the order in which they came. */
export class Turns {
  /** When the last call of each key is over. These promises never reject. */
  readonly #last = new Map<string, Promise<void>>();

  /**
   * Runs when the turn has come for all of these keys.
   *
   * @param left resolves when the caller does not wait any more. Then its turn is over, whatever the run does.
   */
  async take<T>(keyIds: readonly string[], left: Promise<void>, run: () => Promise<T>): Promise<T> {
    const before = Promise.all(keyIds.flatMap((keyId) => this.#last.get(keyId) ?? []));
    const over = Promise.withResolvers<void>();
    for (const keyId of keyIds) this.#last.set(keyId, over.promise);
    const mayRun = Promise.race([before, left]);
    const running = (async () => {
      await mayRun;
      return await run();
    })();
    void this.#end(keyIds, before, Promise.race([Promise.allSettled([running]), left]), over);
    return await running;
  }

  async #end(
    keyIds: readonly string[],
    before: Promise<unknown>,
    own: Promise<unknown>,
    over: PromiseWithResolvers<void>,
  ): Promise<void> {
    await Promise.all([before, own]);
    over.resolve();
    for (const keyId of keyIds) if (this.#last.get(keyId) === over.promise) this.#last.delete(keyId);
  }
}
