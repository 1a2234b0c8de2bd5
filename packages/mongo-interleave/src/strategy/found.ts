import type { Condition } from '../run/condition.ts';
import type { Ends } from './summary.ts';
import type { Violation } from './violations.ts';

/** What a search found, of whatever kind it is. */
export interface Found<T> {
  readonly runs: number;
  readonly seconds: number;
  /** Classes that are not valid: violated, or of unknown verdict. Of a sampling: runs. */
  readonly violated: number;
  /** The distinct failures, the simplest run of each, in the order in which they were found. */
  readonly violations: readonly Violation<T>[];
  /** What the runs took for granted. Of an exploration: what `complete` does not cover. */
  readonly conditions: readonly Condition[];
  /** By client, how its flow ended. */
  readonly ends: readonly Ends[];
}

/** No field of the error, of which test runners would print everything. */
const kept = new WeakMap<object, unknown>();

/** Keeps what was found before an error ended the search. @returns the error */
export function keepFound<T>(error: unknown, found: Found<T>): unknown {
  if (typeof error === 'object' && error !== null) kept.set(error, found);
  return error;
}

/**
 * What `explore` or `sample` had found before it threw this error: an `Exploration`, which is never complete, or a `Sampling`.
 *
 * @typeParam T what a flow returns
 * @returns undefined for an error that was thrown before the first run, or by something else
 */
export const foundBefore = <T>(error: unknown): Found<T> | undefined =>
  // What was kept for the error of a search of this `T`.
  typeof error === 'object' && error !== null ? (kept.get(error) as Found<T> | undefined) : undefined;
