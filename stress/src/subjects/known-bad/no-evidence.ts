import { backupsOf } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithSteps } from './broken-reference.ts';

export const noEvidence: KnownBadSubject = {
  name: 'no-evidence',
  about:
    'the reference, but a claim does not say for which key: late callers find neither the key nor what became of it',
  expected: 'violated',
  breaks: ['I1'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
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
