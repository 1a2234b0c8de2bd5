import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithBatch } from './broken-reference.ts';
import { commitOnce } from './commit-once.ts';

export const commitNotRetried: KnownBadSubject = {
  name: 'commit-not-retried',
  about: 'commits once, and tells an error where no reply comes: the rotation went through, and nobody is told so',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'lost-reply' },
  open: openWithBatch(async (transaction, rotations, options) => {
    const answers = await referenceFlow.rotateBatch(transaction, rotations, options);
    await commitOnce(transaction);
    return answers;
  }),
};
