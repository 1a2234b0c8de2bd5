import { backupsOf, keysOf } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

const open = openWithSteps({ installKeys: async (_transaction, { length }) => length });

export const installAfter: RotationMutant = {
  name: 'install-after',
  about: 'installs the new key in a second write, after the commit: until then, and after a crash, there is none',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: (db, pool, observer, surroundings) => {
    const flow = open(db, pool, observer, surroundings);
    return {
      ...flow,
      call: async (...call) => {
        const answer = await flow.call(...call);
        if (answer.kind !== 'rotated') return answer;
        const backup = await backupsOf(db, pool).findOne({ _id: answer.replacement });
        if (backup !== null)
          await keysOf(db, pool).insertOne({
            _id: backup._id,
            apiKey: backup.apiKey,
            status: 'healthy',
            createdAt: new Date(),
            incarnation: backup.rotationId ?? null,
          });
        return answer;
      },
    };
  },
};
