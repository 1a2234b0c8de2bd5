import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const uncountedRetire: RotationMutant = {
  name: 'uncounted-retire',
  about: 'looks for the key before the transaction, and does not count what it retired: it replaces a key that is gone',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithSteps({
    readKeys: (transaction, ids) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.readKeys(beside, ids)),
    retireKeys: async (transaction, replacements) => {
      await referenceFlow.steps.retireKeys(transaction, replacements);
      return replacements.length;
    },
  }),
};
