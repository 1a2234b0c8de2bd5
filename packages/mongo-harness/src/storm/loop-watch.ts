const INTERVAL_MS = 10;

interface HeldUp {
  /** When it was over, by `performance.now()`. */
  readonly atMs: number;
  readonly heldUpMs: number;
}

/** Watches how long the event loop of this process is held up, be it busy, without a processor, or stopped by a signal. */
export class LoopWatch {
  /** In the order of time, each longer than those after it: the others tell nothing any more. */
  readonly #heldUp: HeldUp[] = [];
  #lastMs = performance.now();

  constructor() {
    setInterval(() => this.#look(), INTERVAL_MS).unref();
  }

  /** The longest time for which it was held up at once since then. @param atMs by `performance.now()` */
  longestSince(atMs: number): number {
    this.#look();
    return this.#heldUp.find((one) => one.atMs >= atMs)?.heldUpMs ?? 0;
  }

  #look(): void {
    const atMs = performance.now();
    const heldUpMs = atMs - this.#lastMs - INTERVAL_MS;
    this.#lastMs = atMs;
    if (heldUpMs <= 0) return;
    while ((this.#heldUp.at(-1)?.heldUpMs ?? Infinity) <= heldUpMs) this.#heldUp.pop();
    this.#heldUp.push({ atMs, heldUpMs });
  }
}
