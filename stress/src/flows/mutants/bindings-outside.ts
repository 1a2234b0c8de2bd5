import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithSteps } from './broken-reference.ts';

export const bindingsOutside: RotationMutant = {
  name: 'bindings-outside',
  about: 'the reference, but the bindings move without the session: they point to a key that nobody sees yet, or ever',
  expected: 'violated',
  judged: 'end',
  breaks: ['I3'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'scarce', deployment: 'keypool', callers: 2, faults: ['crash-after'] }],
  open: openWithSteps({
    moveBindings: (transaction, moves) =>
      besideTransaction(transaction, (beside) => referenceFlow.steps.moveBindings(beside, moves)),
  }),
};
