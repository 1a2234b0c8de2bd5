import type { PairRun } from '../explore/scenarios/pair-scenario.ts';
import type { Violation } from './violation.ts';

/**
 * For runs in which an operator restores the backup that once took a key's place, and puts the key back as it was. From then on
 * it is a key like any other: whoever calls for it gets an answer, one of them `rotated` at most, with a replacement that is live.
 */
export function checkPutBack({ final, history }: PairRun, keyId: string): Violation[] {
  const violations: Violation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ promise: 'I5', sentence });
  };
  const operations = history.operations.filter((operation) => operation.keyId === keyId);
  for (const { caller, outcome } of operations) {
    if (outcome.kind === 'error')
      broken(`caller ${caller} was told nothing of ${keyId}, which was put back, but an error: ${outcome.message}`);
    else if (outcome.kind === 'rotated' && final.keys.get(outcome.replacement)?.live !== true)
      broken(
        `caller ${caller} was told rotated for ${keyId} with replacement ${outcome.replacement}, which is not live`,
      );
  }
  const winners = operations.filter(({ outcome }) => outcome.kind === 'rotated').map(({ caller }) => caller);
  if (winners.length > 1) broken(`callers ${winners.join(' and ')} were all told that they rotated ${keyId}`);
  return violations;
}
