import { backupsOf, isLive, keysOf, referenceFlow } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { MAJORITY } from '../majority.ts';

const MARKS = { usedAt: 1, usedFor: 1, usedForIncarnation: 1, usedIn: 1, rotationId: 1 } as const;

export const restoreWithoutTouch: RotationMutant = {
  name: 'restore-without-touch',
  about:
    'the reference, but restoring a backup only reads the key: who puts a kept key back at that moment makes a live key of a free backup',
  expected: 'violated',
  breaks: ['I1'],
  depth: 2,
  storms: [],
  explorations: [{ scenario: 'restored-and-put-back', deployment: 'openhandspool', callers: 1 }],
  operates: true,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    operator: (db, pool) => ({
      restoreBackup: (_id) =>
        db.client.withSession((session) =>
          session.withTransaction(async () => {
            const backup = await backupsOf(db, pool).findOne({ _id }, { session });
            if (backup === null) return { kind: 'not-found' };
            if (backup.isUsed === false) return { kind: 'already-free' };
            const key = await keysOf(db, pool).findOne({ _id }, { session });
            if (isLive(key ?? undefined)) return { kind: 'live-key' };
            await backupsOf(db, pool).updateOne({ _id }, { $set: { isUsed: false }, $unset: MARKS }, { session });
            return { kind: 'restored' };
          }, MAJORITY),
        ),
    }),
  }),
};
