import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const claimOutside: RotationMutant = {
  name: 'claim-outside',
  about: 'the reference, but the claim runs without the session: what undoes the rotation does not undo the claim',
  expected: 'violated',
  judged: 'end',
  breaks: ['I2'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['crash-after'] }],
  open: openWithSteps({
    claimBackups: (transaction, replacements) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.claimBackups(beside, replacements)),
  }),
};
