import { backupsOf, keysOf } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithSteps } from './broken-reference.ts';

const open = openWithSteps({ installKeys: async (_transaction, { length }) => length });

export const installAfter: KnownBadSubject = {
  name: 'install-after',
  about: 'installs the new key in a second write, after the commit: until then, and after a crash, there is none',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: (db, pool, observer, surroundings) => {
    const flow = open(db, pool, observer, surroundings);
    return {
      ...flow,
      rotate: async (...call) => {
        const told = await flow.rotate(...call);
        if (told.kind !== 'rotated') return told;
        const backup = await backupsOf(db, pool).findOne({ _id: told.replacement });
        if (backup !== null)
          await keysOf(db, pool).insertOne({
            _id: backup._id,
            apiKey: backup.apiKey,
            status: 'healthy',
            createdAt: new Date(),
            incarnation: backup.rotationId ?? null,
          });
        return told;
      },
    };
  },
};
