import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY, openRotator } from '../open-rotator.ts';
import type { RotationFaultMutant } from '../rotation-flow.ts';
import { contendedKeys } from './fault-storm.ts';

export const w1: RotationFaultMutant = {
  name: 'w1',
  about: 'the reference with write concern w: 1: what it tells as rotated is rolled back when the primary dies',
  expected: 'violated',
  breaks: ['I6'],
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [],
  faultStorms: [contendedKeys('rollback')],
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    concerns: { readConcern: 'majority', writeConcern: 1 },
  }),
};
