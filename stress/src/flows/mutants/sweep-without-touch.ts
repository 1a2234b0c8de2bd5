import { referenceFlow, createRotatorOf } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

export const sweepWithoutTouch: RotationMutant = {
  name: 'sweep-without-touch',
  about:
    'the reference, but a sweep only reads the keys to which it moves bindings: a rotation at that moment leaves them behind',
  expected: 'violated',
  breaks: ['I3'],
  depth: 2,
  storms: [],
  explorations: [{ scenario: 'swept', deployment: 'keypool', callers: 1 }],
  operates: true,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    operator: (db, pool) => {
      const steps = { ...referenceFlow.steps, touchKeys: async () => {} };
      const options = { random: () => 0, endAbandonedAfterMs: false } as const;
      const untouching = createRotatorOf({ ...referenceFlow, steps }, db, pool, options);
      return { sweep: () => untouching.sweep() };
    },
  }),
};
