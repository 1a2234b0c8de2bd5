import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithBatch } from './broken-reference.ts';

export const incarnationNotMatched: KnownBadSubject = {
  name: 'incarnation-not-matched',
  about: 'the reference, but each attempt means whatever life of the key it finds: one that came back is rotated away',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  operates: true,
  caughtBy: [],
  shownBy: { scenario: 'restore', adapter: 'keypool', callers: 1, mode: 'exhaustive' },
  open: openWithBatch((transaction, rotations, options) => {
    for (const rotation of rotations) rotation.incarnation = undefined;
    return referenceFlow.rotateBatch(transaction, rotations, options);
  }),
};
