import { referenceFlow, type Answer as CoreAnswer, type Rotation } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';

export const chainNotFollowed: RotationMutant = {
  name: 'chain-not-followed',
  about: 'the reference, but a late caller is told the key that came first, which may have failed and be gone itself',
  expected: 'violated',
  breaks: ['I7'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'chain', deployment: 'keypool', callers: 2 }],
  open: openWithBatch(async (transaction, rotations, options) => {
    const answers = await referenceFlow.rotateBatch(transaction, rotations, options);
    const firstHops = new Map<Rotation, CoreAnswer>();
    for (const [rotation, answer] of answers) {
      if (answer.kind !== 'already-rotated') continue;
      const [first] = await options.steps.readEvidence(transaction, [rotation.keyId]);
      if (first !== undefined) firstHops.set(rotation, { ...answer, replacement: first.backupId });
    }
    return new Map([...answers, ...firstHops]);
  }),
};
