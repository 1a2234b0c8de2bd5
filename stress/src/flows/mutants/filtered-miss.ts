import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

export const filteredMiss: RotationMutant = {
  name: 'filtered-miss',
  about: 'the reference, but a candidate that was tried once is not looked at again, and nothing left means no-backup',
  expected: 'violated',
  breaks: ['I4'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'many-keys', deployment: 'keypool' }],
  explorations: [{ scenario: 'many-keys', deployment: 'keypool', callers: 2, faults: ['lost-reply'] }],
  open: openWithSteps(() => {
    const tried = new Set<string>();
    return {
      findFreeBackups: async (transaction) => {
        const page = await referenceFlow.steps.findFreeBackups(transaction, 1);
        const untried = page.filter((id) => !tried.has(id));
        for (const id of untried) tried.add(id);
        return untried;
      },
    };
  }),
};
