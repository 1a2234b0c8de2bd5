import type { RotationViolation } from './invariants.ts';
import type { RotationHistory } from './rotation-run.ts';

/**
 * I6: a caller that can't know says so with its rotationId, which can be asked about later. The rest of I6, that crashes and failovers
 * change nothing, is I1 to I5 and I7 in runs with faults.
 */
export const checkIndeterminate = ({ operations }: RotationHistory): RotationViolation[] =>
  operations.flatMap(({ caller, keyId, answer }): RotationViolation[] =>
    answer.kind === 'indeterminate' && answer.rotationId === ''
      ? [
          {
            invariant: 'I6',
            sentence: `caller ${caller} was told indeterminate for ${keyId} without a rotationId to ask about`,
          },
        ]
      : [],
  );
