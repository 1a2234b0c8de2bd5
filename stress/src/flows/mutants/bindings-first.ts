import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const bindingsFirst: RotationMutant = {
  name: 'bindings-first',
  about:
    'moves the bindings before the lock, and beside the transaction: who then loses the race has moved them already',
  expected: 'violated',
  judged: 'end',
  breaks: ['I3'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'scarce', deployment: 'keypool', callers: 2 }],
  open: openWithSteps({
    retireKeys: async (transaction, replacements) => {
      const moves = replacements.map(({ rotation, backupId }) => ({ from: rotation.keyId, to: backupId }));
      await besideTransaction(transaction, (beside) => referenceFlow.steps.moveBindings(beside, moves));
      return referenceFlow.steps.retireKeys(transaction, replacements);
    },
    moveBindings: async (_transaction, { length }) => length,
  }),
};
