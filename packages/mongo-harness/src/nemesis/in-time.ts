import type { Operation } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';

/** The process may be busy between the call and the timer that is set for it, when that timer is due, and with other timers that are due then. */
const TIMES_HELD_UP = 3;
/** Each time it may be held up for so much longer than a timer of 10 ms shows; timers are of whole milliseconds. */
const UNKNOWN_MS = TIMES_HELD_UP * 10 + 2;

/** So much later than its deadline a call may be answered: its process was held up, which is no delay of the flow. */
export const allowedMs = <T extends SystemTypes>({ heldUpMs = 0 }: Operation<T>): number =>
  TIMES_HELD_UP * heldUpMs + UNKNOWN_MS;

/** Calls that were answered too late. Of who was never answered nothing is known. @param deadlineMs of the flow */
export const answeredLate = <T extends SystemTypes>(
  operations: readonly Operation<T>[],
  deadlineMs: number,
): Violation[] =>
  operations.flatMap((operation): Violation[] => {
    const { caller, call, invokedAtMs, completedAtMs, answer, deadlineMs: own = deadlineMs } = operation;
    if (completedAtMs === undefined) return [];
    const tookMs = completedAtMs - invokedAtMs;
    const allowed = allowedMs(operation);
    if (tookMs <= own + allowed) return [];
    const sentence = `caller ${caller} was answered ${answer.kind} after ${tookMs.toFixed(0)} ms, with a deadline of ${own} ms and ${allowed} ms for its busy process: ${JSON.stringify(call)}`;
    return [{ invariant: 'in-time', sentence }];
  });
