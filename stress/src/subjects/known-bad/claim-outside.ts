import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const claimOutside: KnownBadSubject = {
  name: 'claim-outside',
  about: 'the reference, but the claim runs without the session: what undoes the rotation does not undo the claim',
  expected: 'violated',
  breaks: ['I2'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'crash' },
  open: openWithSteps({
    claimBackups: (transaction, replacements) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.claimBackups(beside, replacements)),
  }),
};
