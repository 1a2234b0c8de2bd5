import { MongoServerError } from 'mongodb';
import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithBatch } from './broken-reference.ts';

const WRITE_CONFLICT = 112;

export const conflictIsNoBackup: KnownBadSubject = {
  name: 'conflict-is-no-backup',
  about: 'the reference, but a write conflict is taken for "no backup left" and not looked into',
  expected: 'violated',
  breaks: ['I4'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [{ scenario: 'same-key', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openWithBatch(async (transaction, rotations, options) => {
    try {
      return await referenceFlow.rotateBatch(transaction, rotations, options);
    } catch (error) {
      if (!(error instanceof MongoServerError && error.code === WRITE_CONFLICT)) throw error;
      const { session } = transaction;
      await session.abortTransaction();
      session.startTransaction(); // an empty one, for the commit that follows
      return new Map(rotations.map((rotation) => [rotation, { kind: 'no-backup' }]));
    }
  }),
};
