import type { Commit, Fault, History, Run } from 'mongo-harness';
import { byId, type PoolState } from '../model/pool-state.ts';
import type { Claim, OperatorCall, RotationTypes, Answer } from '../model/rotation-types.ts';

/** A run as the checker sees it: rotations apart from what an operator did, and pools by their ids. */
export interface RotationRun {
  readonly start: PoolState;
  /** Committed states that were read while the callers ran. */
  readonly between: readonly PoolState[];
  /** All that was committed from the start to the end, in its order. Absent where no log was read. */
  readonly commits?: readonly PoolCommit[];
  readonly final: PoolState;
  readonly history: RotationHistory;
  readonly operated: readonly Operated[];
  /** Codes of errors that the damage in the start state explains. */
  readonly expectedErrors: readonly string[];
}

export interface RotationHistory {
  /** The unit of its times: milliseconds, or steps of the gate, of which the whole ones are replies. */
  readonly unit: History<RotationTypes>['unit'];
  readonly operations: readonly RotationOperation[];
  readonly claims: readonly Claim[];
  /** What went wrong on purpose. Default: nothing did. */
  readonly faults?: readonly Fault[];
  /** What callers asked who could not know whether they had rotated: themselves at once, and others when nothing went wrong any more. Default: nobody asked. */
  readonly inquiries?: readonly Inquiry[];
}

/** One call of `findRotation`. */
export interface Inquiry {
  readonly caller: number;
  readonly rotationId: string;
  readonly answer: Answer;
}

export type PoolCommit = Commit<RotationTypes>;

/** One call of `rotate`. */
export interface RotationOperation {
  readonly caller: number;
  readonly keyId: string;
  /** The incarnation that the caller asked for, where it named one. */
  readonly incarnation?: string;
  /** The caller's process still has the flow that the service had before. */
  readonly by?: 'older-flow';
  readonly invokedAtMs: number;
  /** Infinite where there was no answer. */
  readonly completedAtMs: number;
  readonly answer: Answer;
}

/** A call of an operator that was answered. */
export interface Operated {
  readonly call: OperatorCall;
  readonly answer: Answer;
}

export function toRotationRun({
  start,
  between,
  commits,
  final,
  history,
  expectedErrors,
}: Run<RotationTypes>): RotationRun {
  const operations: RotationOperation[] = [];
  const operated: Operated[] = [];
  const inquiries: Inquiry[] = [];
  for (const { caller, call, answer, invokedAtMs, completedAtMs = Infinity } of history.operations) {
    if (call.op === 'rotate') {
      const { op: _op, ...asked } = call;
      operations.push({ caller, ...asked, invokedAtMs, completedAtMs, answer });
    } else if (call.op === 'find-rotation') inquiries.push({ caller, rotationId: call.rotationId, answer });
    else if (answer.kind !== 'crashed') operated.push({ call, answer });
  }
  const { unit, claims, faults } = history;
  return {
    start: byId(start),
    between: between.map(byId),
    ...(commits === undefined ? {} : { commits }),
    final: byId(final),
    history: { unit, operations, claims, inquiries, ...(faults === undefined ? {} : { faults }) },
    operated,
    expectedErrors,
  };
}
