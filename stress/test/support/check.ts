import { checkAnswers } from '../../src/checker/check-answers.ts';
import { checkClaims } from '../../src/checker/check-claims.ts';
import { checkNoBackup } from '../../src/checker/check-no-backup.ts';
import { checkOrder } from '../../src/checker/check-order.ts';
import { checkWaste } from '../../src/checker/check-waste.ts';
import { checkWholeness } from '../../src/checker/check-wholeness.ts';
import { readSuccession } from '../../src/checker/succession.ts';
import type { Violation } from '../../src/checker/violation.ts';
import type { Claim } from '../../src/history.ts';
import type { PoolState } from '../../src/pool-state.ts';
import { history, type Call } from './histories.ts';

/** What a run left: the pool before and after, what callers were told, and who claimed what. */
export interface Left {
  readonly start: PoolState;
  readonly final: PoolState;
  readonly calls?: readonly Call[];
  readonly claims?: readonly Claim[];
  readonly errorCodes?: readonly string[];
}

/** The sentences of one check alone. */
export const sentencesOf = {
  claims: (left: Left): string[] =>
    sentences('I1', left, ({ start, final, succession }) => checkClaims(start, final, succession)),
  waste: (left: Left): string[] =>
    sentences('I2', left, ({ start, final, succession }) => checkWaste(start, final, succession)),
  wholeness: (left: Left): string[] =>
    sentences('I3', left, ({ start, final, succession }) => checkWholeness(start, final, succession)),
  noBackup: (left: Left): string[] =>
    sentences('I4', left, ({ start, final, told }) => checkNoBackup(start, final, told)),
  answers: (left: Left): string[] =>
    sentences('I5', left, ({ start, final, told, succession }) =>
      checkAnswers(start, final, told, succession, { errorCodes: left.errorCodes ?? [] }),
    ),
  order: (left: Left): string[] =>
    sentences('I7', left, ({ start, told, succession }) => checkOrder(start, told, succession)),
};

function sentences(
  promise: Violation['promise'],
  { start, final, calls = [], claims = [] }: Left,
  check: (
    run: Pick<Left, 'start' | 'final'> & {
      told: ReturnType<typeof history>;
      succession: ReturnType<typeof readSuccession>;
    },
  ) => Violation[],
): string[] {
  const told = history(calls, claims);
  const violations = check({ start, final, told, succession: readSuccession(start, final, told) });
  for (const violation of violations)
    if (violation.promise !== promise) throw new Error(`a check of ${promise} found ${violation.promise}`);
  return violations.map(({ sentence }) => sentence);
}
