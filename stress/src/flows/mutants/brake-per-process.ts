import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

export const brakePerProcess: RotationMutant = {
  name: 'brake-per-process',
  about:
    'the reference, but each process counts its own rotations for the brake, and not those that the database shows',
  expected: 'violated',
  breaks: ['brake'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'upstream-down', deployment: 'braked', processes: 4 }],
  explorations: [{ scenario: 'upstream-down', deployment: 'braked', callers: 2 }],
  open: openWithSteps(() => {
    let made = 0;
    return {
      readRecentClaims: async () =>
        Array.from({ length: made }, (_, index) => ({ backupId: `own ${index}`, ageMs: 0 })),
      touchClaim: async () => {},
      moveBindings: async (transaction, moves) => {
        made += moves.length;
        return referenceFlow.steps.moveBindings(transaction, moves);
      },
    };
  }),
};
