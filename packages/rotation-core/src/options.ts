import type { RotationListener } from './events.ts';
import { RotationError } from './rotation-error.ts';

export interface RotatorOptions {
  /** How long a call of `rotate` may take before it is answered `busy` or `indeterminate`, in milliseconds; at most 2^31 - 1. Default: 10,000. */
  readonly deadlineMs?: number;
  /** Transactions tried for one rotation, at most. Default: 200. */
  readonly maxAttempts?: number;
  /** Keys rotated in one transaction, at most. Default: 64. */
  readonly batchSize?: number;
  /** Transactions open at once, at most. Default: 4. */
  readonly maxTransactions?: number;
  /**
   * Callers of one key share a rotation, and waiting keys share a transaction. Default: true. Switched off, each caller has a
   * transaction of its own, so that a harness meets the bare flow.
   */
  readonly coalesce?: boolean;
  /** `low-stock` is reported when this many backups or fewer are free. At most 200. Default: 10. */
  readonly lowStockThreshold?: number;
  /**
   * While a rotation is held up, a transaction of this application that is seen idle this long is ended; in milliseconds, from
   * 1,000; `false` never. Its client is dead or frozen; one that was only slow is told so by the server, and tries
   * again. Works only where the client has an `appName` of its own, for it must not end others' transactions. Default: 2,000.
   */
  readonly endAbandonedAfterMs?: number | false;
  /** Told what happens inside. */
  readonly onEvent?: RotationListener;
  /** Source of chance for candidates and back-off, from 0 up to 1. Default: `Math.random`. */
  readonly random?: () => number;
}

export interface RotateOptions {
  /**
   * The life of the key that failed, as `incarnationOf` tells it from the document that the caller used.
   *
   * With it, a key that came back meanwhile is never touched. Without it, the key that is live when the rotation is first tried
   * is meant: one that came back after that is never touched, but one that came back between the failure and this call is
   * rotated as if it had failed.
   */
  readonly incarnation?: string;
  /** Default: `exhausted`. Where callers share a rotation, the first one's reason counts. */
  readonly reason?: 'exhausted' | 'auth-error';
  /** Overrides the rotator's, in milliseconds. */
  readonly deadlineMs?: number;
  /** Ends the call with a RotationError `aborted`. */
  readonly signal?: AbortSignal;
}

export type ResolvedOptions = Required<Omit<RotatorOptions, 'onEvent'>> & Pick<RotatorOptions, 'onEvent'>;

/** @throws RotationError `invalid-argument` that names the option and what was expected. */
export function resolveOptions(options: RotatorOptions): ResolvedOptions {
  const { endAbandonedAfterMs = 2_000 } = options;
  if (endAbandonedAfterMs !== false) requireInteger('endAbandonedAfterMs', endAbandonedAfterMs, 1_000);
  return {
    deadlineMs: requireDeadline(options.deadlineMs ?? 10_000),
    maxAttempts: requireInteger('maxAttempts', options.maxAttempts ?? 200, 1),
    batchSize: requireInteger('batchSize', options.batchSize ?? 64, 1, 1_000),
    maxTransactions: requireInteger('maxTransactions', options.maxTransactions ?? 4, 1),
    coalesce: options.coalesce ?? true,
    lowStockThreshold: requireInteger('lowStockThreshold', options.lowStockThreshold ?? 10, 0, 200),
    endAbandonedAfterMs,
    random: options.random ?? Math.random,
    ...(options.onEvent === undefined ? {} : { onEvent: options.onEvent }),
  };
}

/** Timers hold 31 bits; a longer one fires at once, and the call would be answered `busy`. */
const TIMER_MAX_MS = 2 ** 31 - 1;

export const requireDeadline = (deadlineMs: number): number =>
  requireInteger('deadlineMs', deadlineMs, 1, TIMER_MAX_MS);

function requireInteger(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`;
    throw new RotationError('invalid-argument', `Expected ${name} to be a whole number ${range}, got ${String(value)}`);
  }
  return value;
}

/** Longer ids are refused: MongoDB itself takes long keys, but nothing that is a key's name is longer. */
const ID_LENGTH_MAX = 1_024;

/** An id from outside could be an object, which in a filter would be a query operator and match any document. */
export function requireId(name: string, value: unknown): string {
  if (typeof value !== 'string')
    throw new RotationError(
      'invalid-argument',
      `Expected ${name} to be a string, got ${value === null ? 'null' : typeof value}`,
    );
  if (value === '' || value.length > ID_LENGTH_MAX)
    throw new RotationError(
      'invalid-argument',
      `Expected ${name} to have 1 to ${ID_LENGTH_MAX} characters, got ${value.length}`,
    );
  return value;
}
