import { setTimeout as sleep } from 'node:timers/promises';
import { keysOf, referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY, openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

/** What a service does between the commit and the delete; the others meet in this window. */
const OTHER_WORK_MS = 50;

const open = openRotator(
  () => ({
    ...referenceFlow,
    steps: { ...referenceFlow.steps, retireKeys: async (_transaction, { length }) => length },
  }),
  { coalesce: false },
);

export const lockByFind: KnownBadSubject = {
  name: 'lock-by-find',
  about:
    'the reference, but the failed key is only read in the transaction, and deleted after it: a find is not a lock',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [{ scenario: 'same-key', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: (db, pool, observer, surroundings = {}) => {
    const flow = open(db, pool, observer, surroundings);
    return {
      ...flow,
      rotate: async (...call) => {
        const [, keyId] = call;
        const told = await flow.rotate(...call);
        if (told.kind !== 'rotated') return told;
        if (surroundings.gated !== true) await sleep(OTHER_WORK_MS);
        await keysOf(db, pool).deleteOne({ _id: keyId });
        return told;
      },
    };
  },
};
