import type { Commit, Run } from 'mongo-harness';
import type { PoolState } from '../model/pool-state.ts';
import type { RotationTypes } from '../model/rotation-types.ts';
import { checkMixedAnswers, checkRepairs } from './check-mixed-answers.ts';
import { PoolBook, toPoolChanges } from './check-mixed-book.ts';
import { checkEffects, type MixedOperation } from './check-mixed-effects.ts';
import { checkAdded, checkMixedEnd, checkMixedState } from './check-mixed-states.ts';
import { explainCommit, type KnownCalls, type Step } from './check-mixed-steps.ts';
import type { RotationViolation } from './invariants.ts';
import { toRotationRun } from './rotation-run.ts';

/** Broken commits lead to others; the first few tell what is wrong. */
const MAX_BROKEN_COMMITS = 5;

/**
 * For runs in which all verbs and operators change the pool. Where the commits are known, each of them must be a whole step of the sequential
 * pool, the calls must agree with the commits, and each answer must be true in a state of its time. Otherwise some states are judged.
 */
export function checkMixed(run: Run<RotationTypes>): RotationViolation[] {
  const operations = operationsOf(run);
  const { start, final, between } = toRotationRun(run);
  const isDisturbed = run.history.faults !== undefined;
  const violations = [
    ...[...between, final].flatMap((state) => checkMixedState(start, state, operations)),
    ...checkAdded(final, operations),
  ];
  if (run.commits === undefined) return violations;

  const { book, steps, broken } = explainAll(start, run.commits, knownOf(operations));
  const { times, violations: unexplained } = checkEffects(steps, operations, book.state, isDisturbed);
  return [
    ...violations,
    ...broken.slice(0, MAX_BROKEN_COMMITS),
    ...checkMixedEnd(book, final),
    ...unexplained,
    ...checkRepairs(steps, operations, times),
    ...checkMixedAnswers(book, steps, operations, times, isDisturbed),
  ];
}

/** Backups that the commits claimed, and those of them that no rotation took. None where the commits are not known. */
export function countMixed(run: Run<RotationTypes>): { readonly used: number; readonly wasted: number } {
  const { start } = toRotationRun(run);
  const { steps } = explainAll(start, run.commits ?? [], knownOf(operationsOf(run)));
  const rotations = steps.filter(({ kind }) => kind === 'rotation').length;
  const used = (run.commits ?? [])
    .flatMap(({ writes }) => toPoolChanges(writes).backups)
    .filter(({ before, after }) => before?.isUsed === false && after?.isUsed === true).length;
  return { used, wasted: used - rotations };
}

interface ExplainedLog {
  readonly book: PoolBook;
  readonly steps: readonly Step[];
  readonly broken: readonly RotationViolation[];
}

function explainAll(start: PoolState, commits: readonly Commit<RotationTypes>[], known: KnownCalls): ExplainedLog {
  const book = new PoolBook(start);
  const explained = commits.map(({ writes }) => explainCommit(toPoolChanges(writes), book, known));
  return {
    book,
    steps: explained.flatMap(({ steps }) => steps),
    broken: explained.flatMap(({ violations }) => violations),
  };
}

const operationsOf = ({ history }: Run<RotationTypes>): MixedOperation[] =>
  history.operations.map(({ caller, call, answer, invokedAtMs, completedAtMs = Infinity }) => ({
    caller,
    call,
    answer,
    invokedAtMs,
    completedAtMs,
  }));

const knownOf = (operations: readonly MixedOperation[]): KnownCalls => {
  const callers = new Map(
    operations.flatMap(({ caller, answer }) =>
      answer.kind === 'rotated' && answer.rotationId !== undefined ? [[answer.rotationId, caller] as const] : [],
    ),
  );
  return {
    inserted: new Set(operations.flatMap(({ call }) => (call.op === 'insert-binding' ? [call.proxyId] : []))),
    callerOf: (rotationId) => (callers.has(rotationId) ? `caller ${callers.get(rotationId)}` : 'somebody'),
  };
};
