/** Each bucket ends 2 % above the one before it. */
const RATIO = Math.log(1.02);
const MIN_MS = 0.01;

/** Durations, of any number of calls or faults, in a bounded memory, to within 2 %; the longest exactly. */
export class Latencies {
  readonly #buckets = new Map<number, number>();
  #count = 0;
  #max = 0;

  add(latencyMs: number): void {
    this.#max = Math.max(this.#max, latencyMs);
    const bucket = Math.ceil(Math.log(Math.max(MIN_MS, latencyMs)) / RATIO);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#count++;
  }

  /** Nearest rank. 0 where there are none. */
  percentile(fraction: number): number {
    let left = Math.ceil(fraction * this.#count);
    for (const bucket of [...this.#buckets.keys()].toSorted((a, b) => a - b)) {
      left -= this.#buckets.get(bucket) ?? 0;
      if (left <= 0) return Math.min(this.#max, Math.exp(bucket * RATIO));
    }
    return 0;
  }

  get count(): number {
    return this.#count;
  }

  get max(): number {
    return this.#max;
  }
}
