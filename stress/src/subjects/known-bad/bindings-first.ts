import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const bindingsFirst: KnownBadSubject = {
  name: 'bindings-first',
  about:
    'moves the bindings before the lock, and beside the transaction: who then loses the race has moved them already',
  expected: 'violated',
  breaks: ['I3'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'two-keys-one-backup', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openWithSteps({
    retireKeys: async (transaction, replacements) => {
      const moves = replacements.map(({ failedKey, backupId }) => ({ from: failedKey._id, to: backupId }));
      await besideTransaction(transaction, (beside) => referenceFlow.steps.moveBindings(beside, moves));
      return referenceFlow.steps.retireKeys(transaction, replacements);
    },
    moveBindings: async (_transaction, { length }) => length,
  }),
};
