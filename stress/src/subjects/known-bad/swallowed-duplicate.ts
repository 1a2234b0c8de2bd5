import { MongoServerError } from 'mongodb';
import { keysOf, referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY, openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

const DUPLICATE_KEY = 11_000;

export const swallowedDuplicate: KnownBadSubject = {
  name: 'swallowed-duplicate',
  about:
    'the reference, but the new key is inserted beside the transaction and a duplicate key error taken for "done by another"',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [{ scenario: 'poisoned-backup', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'crash' },
  open: openRotator(
    () => ({
      ...referenceFlow,
      steps: {
        ...referenceFlow.steps,
        installKeys: async ({ db, pool }, replacements, backups) => {
          for (const { backupId, rotation } of replacements) {
            const backup = backups.get(backupId);
            if (backup === undefined) continue;
            await keysOf(db, pool)
              .insertOne({
                _id: backup._id,
                apiKey: backup.apiKey,
                status: 'healthy',
                createdAt: new Date(),
                incarnation: rotation.rotationId,
              })
              .catch((error: unknown) => {
                if (!(error instanceof MongoServerError && error.code === DUPLICATE_KEY)) throw error;
              });
          }
          return replacements.length;
        },
      },
    }),
    { coalesce: false },
  ),
};
