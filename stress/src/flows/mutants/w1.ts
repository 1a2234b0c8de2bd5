import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationFaultMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';
import { contendedKeys } from './fault-storm.ts';
import { inOwnTransaction, MAJORITY } from './own-transaction.ts';

export const w1: RotationFaultMutant = {
  name: 'w1',
  about: 'the reference with write concern w: 1: what it tells as rotated is rolled back when the primary dies',
  expected: 'violated',
  breaks: ['I5'],
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [],
  faultStorms: [contendedKeys('rollback')],
  open: openWithBatch((transaction, rotations, options) =>
    inOwnTransaction(transaction, { ...MAJORITY, writeConcern: { w: 1 } }, (own) =>
      referenceFlow.rotateBatch(own, rotations, options),
    ),
  ),
};
