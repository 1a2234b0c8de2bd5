import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const uncountedRetire: KnownBadSubject = {
  name: 'uncounted-retire',
  about: 'looks for the key before the transaction, and does not count what it retired: it replaces a key that is gone',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openWithSteps({
    readKeys: (transaction, ids) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.readKeys(beside, ids)),
    retireKeys: async (transaction, replacements) => {
      await referenceFlow.steps.retireKeys(transaction, replacements);
      return replacements.length;
    },
  }),
};
