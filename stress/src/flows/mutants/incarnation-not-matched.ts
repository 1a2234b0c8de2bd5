import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';

export const incarnationNotMatched: RotationMutant = {
  name: 'incarnation-not-matched',
  about:
    'the reference, but each attempt means whatever incarnation of the key it finds: a key that came back is rotated away',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  operates: true,
  storms: [{ scenario: 'mixed-traffic', deployment: 'keypool' }],
  explorations: [{ scenario: 'restore', deployment: 'keypool', callers: 1 }],
  open: openWithBatch((transaction, rotations, options) => {
    for (const rotation of rotations) rotation.incarnation = undefined;
    return referenceFlow.rotateBatch(transaction, rotations, options);
  }),
};
