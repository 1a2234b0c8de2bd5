import type { History } from '../history.ts';
import type { PoolState } from '../pool-state.ts';
import { checkAnswers, type Expectations } from './check-answers.ts';
import { checkClaims } from './check-claims.ts';
import { checkNoBackup } from './check-no-backup.ts';
import { checkOrder } from './check-order.ts';
import { checkWaste } from './check-waste.ts';
import { checkWholeness } from './check-wholeness.ts';
import { readEarlier, retireKept } from './earlier.ts';
import { readSuccession, type Succession } from './succession.ts';
import type { Violation } from './violation.ts';

/** A run as the checker sees it. */
export interface Run {
  readonly start: PoolState;
  /** States that were read while it ran. */
  readonly between: readonly PoolState[];
  readonly final: PoolState;
  readonly history: History;
  readonly expectations: Expectations;
}

/**
 * Judges a run by the promises I1-I5 and I7. Pure, and linear in documents and operations for each state. Holds for runs in which
 * only rotations change the pool, and judges what the run changed: earlier flows may have left damage.
 */
export function checkRun(run: Run): Violation[] {
  const { history, expectations } = run;
  const earlier = readEarlier(run.start);
  const start = retireKept(run.start, earlier);
  const between = run.between.map((state) => retireKept(state, earlier));
  const final = retireKept(run.final, earlier);
  const succession = readSuccession(start, final, history);
  const atTheEnd = checkState(start, final, succession);
  const known = new Set(atTheEnd.map(({ promise }) => promise));
  const inBetween = between
    .flatMap((state) => checkState(start, state, readSuccession(start, state, history)))
    .filter(({ promise }) => !known.has(promise))
    .map(({ promise, sentence }) => ({ promise, sentence: `in a state that was committed meanwhile: ${sentence}` }));
  const violations = [
    ...atTheEnd,
    ...inBetween,
    ...checkNoBackup(start, final, history),
    ...checkAnswers(start, final, history, succession, expectations),
  ];
  return violations.length > 0 ? violations : checkOrder(start, history, succession);
}

/** I1 to I3 hold in every committed state. */
const checkState = (start: PoolState, state: PoolState, succession: Succession): Violation[] => [
  ...checkClaims(start, state, succession),
  ...checkWaste(start, state, succession),
  ...checkWholeness(start, state, succession),
];
