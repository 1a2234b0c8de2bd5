import type { Operation } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';

/** To within so much it is known how long a process was held up; its timers and its clock take a millisecond. */
const UNKNOWN_MS = 25;
/** The process is busy when the timer is due, and busy again in the turn in which it answers. */
const TIMES_HELD_UP = 2;

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
