import { backupsOf } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

export const noEvidence: RotationMutant = {
  name: 'no-evidence',
  about:
    'the reference, but a claim does not say for which key: late callers find neither the key nor what became of it',
  expected: 'violated',
  breaks: ['I1'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithSteps({
    claimBackups: async ({ db, pool, session }, replacements) => {
      const ids = replacements.map(({ backupId }) => backupId);
      const result = await backupsOf(db, pool).updateMany(
        { _id: { $in: ids }, isUsed: false },
        { $set: { isUsed: true } },
        { session },
      );
      return result.modifiedCount;
    },
  }),
};
