import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';
import { commitOnce } from './commit-once.ts';
import { contendedKeys } from './fault-storm.ts';

export const commitNotRetried: RotationMutant = {
  name: 'commit-not-retried',
  about: 'commits once, and tells an error where no reply comes: the rotation went through, and nobody is told so',
  expected: 'violated',
  breaks: ['I5', 'I6'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['lost-reply'] }],
  faultStorms: (['commit-unknown', 'freeze-secondaries'] as const).map(contendedKeys),
  open: openWithBatch(async (transaction, rotations, options) => {
    const answers = await referenceFlow.rotateBatch(transaction, rotations, options);
    await commitOnce(transaction).catch((error: unknown) => {
      // To the queue, no error of a driver: it is not tried again.
      throw new Error('the commit failed', { cause: error });
    });
    return answers;
  }),
};
