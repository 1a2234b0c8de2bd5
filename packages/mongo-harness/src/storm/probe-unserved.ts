import { inquiriesOf, isServed, unserved } from '../nemesis/recovery.ts';
import type { FlowDescription } from '../system/flow.ts';
import type { History, Operation } from '../system/history.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';
import type { StormClock } from './storm-clock.ts';
import type { Workers } from './workers.ts';

/**
 * From the end of the fault and the health of the database: a transaction that nobody goes on with may hold documents for the server's
 * limit of 3 s and half of that, and callers look again after pauses.
 */
export const MAX_UNSERVED_MS = 15_000;

interface Probed<T extends SystemTypes> {
  /** The calls that were made. */
  readonly histories: readonly History<T>[];
  readonly violations: readonly Violation[];
}

/** Asks what became of calls in doubt, and then again what was not served, until all is served or the time is over. */
export async function probeUnserved<T extends SystemTypes>(
  { recovery, show }: System<T>,
  { operates = false }: FlowDescription,
  workers: Workers<T>,
  operations: readonly Operation<T>[],
  { originNs }: StormClock,
  signal: AbortSignal,
): Promise<Probed<T>> {
  let next = 1 + operations.reduce((last, { caller }) => Math.max(last, caller), 0);
  const toCalls = (asked: readonly T['call'][]) => asked.map((call) => ({ caller: next++, call }));
  const inquiries = toCalls(operates ? inquiriesOf(recovery, operations) : []);
  const again = toCalls(unserved(recovery, operations));
  const histories: History<T>[] = [];
  // Who asks what became of a call is to be told of that one, and not of the same call made again.
  for (const calls of [inquiries, again])
    if (calls.length > 0) histories.push(await workers.probe({ originNs, calls, maxWaitMs: MAX_UNSERVED_MS }, signal));
  const answers = histories.flatMap((history) => history.operations);
  const violations = [...inquiries, ...again].flatMap(({ caller, call }): Violation[] => {
    const last = answers.findLast((operation) => operation.caller === caller);
    if (last !== undefined && isServed(recovery, last.answer)) return [];
    const told =
      last === undefined
        ? JSON.stringify(call)
        : (show?.operation?.(call, last.answer) ?? JSON.stringify([call, last.answer]));
    const sentence = `a call was not served within ${MAX_UNSERVED_MS / 1_000} s after the fault, when the database was well again: ${told}`;
    return [{ invariant: 'served-again', sentence }];
  });
  return { histories, violations };
}
