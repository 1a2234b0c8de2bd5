import { planStorms } from 'mongo-harness/testing';
import { expect, test } from 'vitest';
import rotationSystem from '../src/rotation-system.ts';

const rounds = { forMs: 1, faults: ['rollback'], everyMs: 1_000, roundMs: 15_000, goOn: false } as const;

test('a mutant that only faults show to be wrong has its storms where its author has them, and nothing is expected of them', () => {
  const trials = planStorms(rotationSystem, { flow: 'w1', rounds, seed: 1 });
  expect(trials).toMatchObject([
    { flow: 'w1', scenario: 'many-keys', deployment: 'keypool', expected: undefined, rounds },
  ]);
});
