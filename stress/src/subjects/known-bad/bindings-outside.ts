import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const bindingsOutside: KnownBadSubject = {
  name: 'bindings-outside',
  about: 'the reference, but the bindings move without the session: they point to a key that nobody sees yet, or ever',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'two-keys-one-backup', adapter: 'keypool', callers: 2, mode: 'crash' },
  open: openWithSteps({
    moveBindings: (transaction, moves) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.moveBindings(beside, moves)),
  }),
};
