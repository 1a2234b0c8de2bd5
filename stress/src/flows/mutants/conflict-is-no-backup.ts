import { MongoServerError } from 'mongodb';
import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';

const WRITE_CONFLICT = 112;

export const conflictIsNoBackup: RotationMutant = {
  name: 'conflict-is-no-backup',
  about: 'the reference, but a write conflict is taken for "no backup left" and not looked into',
  expected: 'violated',
  breaks: ['I4'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'same-key', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
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
