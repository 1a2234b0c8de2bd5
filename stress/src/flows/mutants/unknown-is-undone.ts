import { MongoError } from 'mongodb';
import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { asSomebodyNew } from './as-somebody-new.ts';
import { openWithBatch } from './broken-reference.ts';
import { commitOnce } from './commit-once.ts';
import { contendedKeys } from './fault-storm.ts';

export const unknownIsUndone: RotationMutant = {
  name: 'unknown-is-undone',
  about: 'takes a commit without a reply for undone, and rotates again as somebody new, who finds the work of another',
  expected: 'violated',
  breaks: ['I6'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [
    { scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['lost-reply'] },
    { scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['step-down-after'], maxPreemptions: 0 },
  ],
  faultStorms: (['commit-unknown', 'freeze-secondaries'] as const).map(contendedKeys),
  open: openWithBatch((transaction, rotations, options) =>
    asSomebodyNew(rotations, async (renamed) => {
      try {
        const answers = await referenceFlow.rotateBatch(transaction, renamed, options);
        await commitOnce(transaction);
        return answers;
      } catch (error) {
        if (error instanceof MongoError) error.addErrorLabel('TransientTransactionError');
        throw error;
      }
    }),
  ),
};
