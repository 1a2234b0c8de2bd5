import { referenceFlow } from 'rotation-core/parts';
import { BARE_CONCURRENCY } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';
import { besideTransaction, openWithBatch } from './broken-reference.ts';

export const staleEvidence: KnownBadSubject = {
  name: 'stale-evidence',
  about: 'reads the evidence before the transaction: of a key that goes in between, it knows no replacement',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  concurrency: BARE_CONCURRENCY,
  caughtBy: [],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openWithBatch(async (transaction, rotations, options) => {
    const { steps } = options;
    const asked = rotations.map(({ keyId }) => keyId);
    const early = await besideTransaction(transaction, (beside) => steps.readEvidence(beside, asked));
    return referenceFlow.rotateBatch(transaction, rotations, {
      ...options,
      steps: {
        ...steps,
        readEvidence: async (inside, keyIds) =>
          keyIds.every((id) => asked.includes(id)) ? early : steps.readEvidence(inside, keyIds),
      },
    });
  }),
};
