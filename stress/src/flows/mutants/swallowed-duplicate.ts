import { MongoServerError } from 'mongodb';
import { keysOf } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

const DUPLICATE_KEY = 11_000;

export const swallowedDuplicate: RotationMutant = {
  name: 'swallowed-duplicate',
  about:
    'the reference, but the new key is inserted beside the transaction and a duplicate key error taken for "done by another"',
  expected: 'violated',
  judged: 'end',
  breaks: ['I5'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'poisoned-backup', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['crash-after'] }],
  open: openWithSteps({
    installKeys: async ({ db, pool }, replacements, backups) => {
      for (const { backupId, rotation } of replacements) {
        const backup = backups.get(backupId);
        if (backup === undefined) continue;
        await keysOf(db, pool)
          .insertOne({
            _id: backupId,
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
  }),
};
