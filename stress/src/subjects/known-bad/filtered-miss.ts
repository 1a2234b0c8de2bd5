import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY, openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

export const filteredMiss: KnownBadSubject = {
  name: 'filtered-miss',
  about: 'the reference, but a candidate that was tried once is not looked at again, and nothing left means no-backup',
  expected: 'violated',
  breaks: ['I4'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [{ scenario: 'many-keys', adapter: 'keypool' }],
  shownBy: { scenario: 'two-keys', adapter: 'keypool', callers: 2, mode: 'lost-reply' },
  open: openRotator(
    () => {
      const tried = new Set<string>();
      return {
        ...referenceFlow,
        steps: {
          ...referenceFlow.steps,
          findFreeBackups: async (transaction) => {
            const page = await referenceFlow.steps.findFreeBackups(transaction, 1);
            const untried = page.filter((id) => !tried.has(id));
            for (const id of untried) tried.add(id);
            return untried;
          },
        },
      };
    },
    { coalesce: false },
  ),
};
