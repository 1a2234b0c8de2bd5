import { referenceFlow, type Answer, type Rotation } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { openWithBatch } from './broken-reference.ts';

export const chainNotFollowed: KnownBadSubject = {
  name: 'chain-not-followed',
  about: 'the reference, but a late caller is told the key that came first, which may have failed and be gone itself',
  expected: 'violated',
  breaks: ['I7'],
  depth: 1,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'chain', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openWithBatch(async (transaction, rotations, options) => {
    const answers = await referenceFlow.rotateBatch(transaction, rotations, options);
    const firstHops = new Map<Rotation, Answer>();
    for (const [rotation, answer] of answers) {
      if (answer.kind !== 'already-rotated') continue;
      const [first] = await options.steps.readEvidence(transaction, [rotation.keyId]);
      if (first !== undefined) firstHops.set(rotation, { ...answer, replacement: first._id });
    }
    return new Map([...answers, ...firstHops]);
  }),
};
