import type { RotationViolation } from './invariants.ts';
import type { RotationRun } from './rotation-run.ts';

/**
 * For runs in which an operator restores the backup that once took a key's place, and puts the key back as it was. From then on
 * it is a key like any other: whoever calls for it gets an answer, one of them `rotated` at most, with a replacement that is live.
 */
export function checkPutBack({ final, history }: RotationRun, keyId: string): RotationViolation[] {
  const violations: RotationViolation[] = [];
  const broken = (sentence: string): void => {
    violations.push({ invariant: 'I5', sentence });
  };
  const operations = history.operations.filter((operation) => operation.keyId === keyId);
  for (const { caller, answer } of operations) {
    if (answer.kind === 'error')
      broken(`caller ${caller} was told nothing of ${keyId}, which was put back, but an error: ${answer.message}`);
    else if (answer.kind === 'rotated' && final.keys.get(answer.replacement)?.live !== true)
      broken(
        `caller ${caller} was told rotated for ${keyId} with replacement ${answer.replacement}, which is not live`,
      );
  }
  const winners = operations.filter(({ answer }) => answer.kind === 'rotated').map(({ caller }) => caller);
  if (winners.length > 1) broken(`callers ${winners.join(' and ')} were all told that they rotated ${keyId}`);
  return violations;
}
