import { RotationError } from './errors.ts';
import type { RotationListener } from './events.ts';
import type { RotationReason } from './failures.ts';
import type { VerifyBackup } from './verify.ts';

/** Options of `createRotator`. */
export interface RotatorOptions<Id = string> {
  /**
   * Time limit for one call, in milliseconds. `rotate` is then answered `busy` or `indeterminate`; the other verbs throw a
   * RotationError `database`. From 1 to 2^31 - 1. Default: 10,000.
   */
  readonly deadlineMs?: number | undefined;
  /** At most this many transactions are run for one rotation, `bind`, `restoreBackup` or batch of `sweep`. Default: 200. */
  readonly maxAttempts?: number | undefined;
  /** At most this many keys are rotated in one transaction; from 1 to 1,000. Default: 64. */
  readonly maxBatchSize?: number | undefined;
  /** At most this many transactions for rotations are open at once. Default: 4. */
  readonly maxTransactions?: number | undefined;
  /** The event `low-stock` is emitted when at most this many backups are free; from 0 to 200. Default: 10. */
  readonly lowStockThreshold?: number | undefined;
  /**
   * While a rotation is held up, transactions of rotators on the same database that have been idle this long are ended, in
   * milliseconds. From 1,000; `false` switches it off. Default: 2,000.
   *
   * Their clients are taken for dead or frozen. A client that was only slow gets a transient error from the server and tries
   * again. Transactions of anybody else are left alone: those of rotators are known by their session's id.
   */
  readonly endAbandonedAfterMs?: number | false | undefined;
  /**
   * Asks the upstream whether a backup works, before it is claimed. One that is refused is set aside in the database with the reason, and another
   * one is tried. Where no verdict can be had on any, callers are answered `busy` at their deadline, not `no-backup`; each attempt without a verdict
   * counts as a transaction. Default: none; any free backup is claimed.
   */
  readonly verify?: VerifyBackup<Id> | undefined;
  /** At most this long is waited for one verdict, in milliseconds; from 1 to 2^31 - 1. Default: 3,000. */
  readonly maxVerifyMs?: number | undefined;
  /** A backup that was found usable at most this long ago is not verified again, in milliseconds; from 1,000. Default: 60,000. */
  readonly maxVerifiedAgeMs?: number | undefined;
  /** Called with every event. Default: none. */
  readonly onEvent?: RotationListener | undefined;
}

/** What the transactions of rotations read, and what must have a write before it counts. */
export interface Concerns {
  readonly readConcern: 'local' | 'majority' | 'snapshot';
  readonly writeConcern: 'majority' | 1;
}

/** What every service has: less would tell callers of rotations that a failover undoes. */
export const MAJORITY: Concerns = { readConcern: 'majority', writeConcern: 'majority' };

/** Options of `createRotatorOf`: those of a service, and three for harnesses. `createRotator` ignores the latter. */
export interface TestingOptions<Id = string> extends RotatorOptions<Id> {
  /**
   * True: callers of one key share a rotation, and waiting keys share a transaction. False: each caller has a transaction of its
   * own, without a limit, so that a harness tests the flow alone. Default: true.
   */
  readonly coalesce?: boolean | undefined;
  /** Random numbers from 0 up to 1, for the choice of backups and for back-off. Default: `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** To see which promises rest on them. Default: majority, both. */
  readonly concerns?: Concerns | undefined;
}

/** Options of one call of any verb. */
export interface CallOptions {
  /** Time limit for this call in milliseconds, from 1 to 2^31 - 1. Default: the rotator's `deadlineMs`. */
  readonly deadlineMs?: number | undefined;
  /** Aborts the call: it throws a RotationError `aborted`. A rotation that has started goes on. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of one call of `rotate`. */
export interface RotateOptions extends CallOptions {
  /**
   * The incarnation that failed: `incarnationOf` the key document that the caller used.
   *
   * With it, a key that was inserted under the same id after the failure is never rotated. Without it, the first attempt decides
   * which incarnation is meant: the one that is live then. So a key that was inserted between the failure and this call is
   * rotated as if it had failed.
   */
  readonly incarnation?: string | undefined;
  /** Default: `exhausted`. Callers that share a rotation get the reason of the first of them. */
  readonly reason?: RotationReason | undefined;
}

/** Options without a default. */
type Optional = 'onEvent' | 'verify';

type Resolved<O extends Pick<RotatorOptions<never>, Optional>> = {
  readonly [Name in Exclude<keyof O, Optional>]-?: Exclude<O[Name], undefined>;
} & Pick<O, Optional>;

export type ResolvedOptions<Id> = Resolved<RotatorOptions<Id>>;
export type ResolvedTestingOptions<Id> = Resolved<TestingOptions<Id>>;

/**
 * Fills in the defaults. What is no option of a service is dropped.
 *
 * @throws RotationError `invalid-argument` that names the option and the expected range.
 */
export function resolveOptions<Id>(options: RotatorOptions<Id>): ResolvedOptions<Id> {
  const { endAbandonedAfterMs = 2_000 } = options;
  if (endAbandonedAfterMs !== false) requireInteger('endAbandonedAfterMs', endAbandonedAfterMs, 1_000);
  return {
    deadlineMs: requireDeadline(options.deadlineMs ?? 10_000),
    maxAttempts: requireInteger('maxAttempts', options.maxAttempts ?? 200, 1),
    maxBatchSize: requireInteger('maxBatchSize', options.maxBatchSize ?? 64, 1, 1_000),
    maxTransactions: requireInteger('maxTransactions', options.maxTransactions ?? 4, 1),
    lowStockThreshold: requireInteger('lowStockThreshold', options.lowStockThreshold ?? 10, 0, 200),
    endAbandonedAfterMs,
    verify: requireVerify(options.verify),
    maxVerifyMs: requireInteger('maxVerifyMs', options.maxVerifyMs ?? 3_000, 1, MAX_TIMER_MS),
    maxVerifiedAgeMs: requireInteger('maxVerifiedAgeMs', options.maxVerifiedAgeMs ?? 60_000, 1_000),
    onEvent: options.onEvent,
  };
}

/** Fills in the defaults. @throws RotationError as `resolveOptions` does. */
export function resolveTestingOptions<Id>(options: TestingOptions<Id>): ResolvedTestingOptions<Id> {
  const { coalesce = true, random = Math.random, concerns = MAJORITY } = options;
  return { ...resolveOptions(options), coalesce, random, concerns };
}

/** Node's timers hold 31 bits: a longer timer fires at once, and the call would be answered `busy`. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export const requireDeadline = (deadlineMs: number): number =>
  requireInteger('deadlineMs', deadlineMs, 1, MAX_TIMER_MS);

function requireVerify<Verify>(verify: Verify): Verify {
  if (verify === undefined || typeof verify === 'function') return verify;
  throw new RotationError('invalid-argument', `Expected verify to be a function, got ${typeof verify}`);
}

/** @throws RotationError `aborted` */
export function requireNotAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new RotationError('aborted', 'The call was aborted before it began', { cause: signal.reason });
}

function requireInteger(name: string, value: number, min: number, max: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < min || value > max) {
    const range = max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`;
    throw new RotationError('invalid-argument', `Expected ${name} to be a whole number ${range}, got ${String(value)}`);
  }
  return value;
}
