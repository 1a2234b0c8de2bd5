import { seededRandom } from 'mongo-interleave';
import type { Impatience } from '../nemesis/fault-method.ts';
import type { Patience } from '../system/flow.ts';

/** One caller that waits. */
export interface Waiting {
  readonly patience: Patience;
  /** When it gave up, if it did. */
  readonly gaveUpAtMs: () => number | undefined;
  /** It has its answer. */
  readonly end: () => void;
}

/** A caller that waits, as long as it does. */
class Waiter {
  readonly #controller = new AbortController();
  readonly #nowMs: () => number;
  #timer: NodeJS.Timeout | undefined;
  gaveUpAtMs: number | undefined;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  giveUpIn(afterMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.gaveUpAtMs = this.#nowMs();
      this.#controller.abort(new Error('the caller gave up'));
    }, afterMs);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** How patient the callers of one process are, as the faults of the storm have it. */
export class CallersPatience {
  readonly #waiters = new Set<Waiter>();
  readonly #nowMs: () => number;
  /** So long the next caller waits at most, in milliseconds; `undefined`: as ever. */
  #wait: () => number | undefined = () => undefined;
  #onEnd: Impatience['onEnd'] = 'answered';

  /** @param nowMs milliseconds since the run began */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(): Waiting {
    const waiter = new Waiter(this.#nowMs);
    this.#waiters.add(waiter);
    const waitMs = this.#wait();
    const hasDeadline = waitMs !== undefined && this.#onEnd === 'answered';
    if (waitMs !== undefined && !hasDeadline) waiter.giveUpIn(waitMs);
    return {
      patience: { signal: waiter.signal, ...(hasDeadline ? { deadlineMs: waitMs } : {}) },
      gaveUpAtMs: () => waiter.gaveUpAtMs,
      end: () => {
        waiter.end();
        this.#waiters.delete(waiter);
      },
    };
  }

  /** From now on a part of the callers wait for so long alone; of those that wait already, the ones that give up. `undefined`: no more. */
  set(impatience: Impatience | undefined): void {
    this.#wait = () => undefined;
    if (impatience === undefined) return;
    const { probability, minWaitMs, maxWaitMs, onEnd, seed } = impatience;
    const random = seededRandom(seed);
    this.#onEnd = onEnd;
    this.#wait = () =>
      random() < probability ? Math.round(minWaitMs + random() * (maxWaitMs - minWaitMs)) : undefined;
    if (onEnd === 'answered') return;
    for (const waiter of this.#waiters) {
      const waitMs = this.#wait();
      if (waitMs !== undefined) waiter.giveUpIn(waitMs);
    }
  }
}
