const NANOSECONDS_PER_MILLISECOND = 1e6;

/** The clock of a run: calls in all processes, and faults. The machine's monotonic clock, from the instant at which the run began. */
export class StormClock {
  readonly #originNs: bigint;

  /** @param originNs from another process. Default: now */
  constructor(originNs: bigint = process.hrtime.bigint()) {
    this.#originNs = originNs;
  }

  /** Nanoseconds, as text for another process. */
  get originNs(): string {
    return this.#originNs.toString();
  }

  nowMs(): number {
    return Number(process.hrtime.bigint() - this.#originNs) / NANOSECONDS_PER_MILLISECOND;
  }
}
