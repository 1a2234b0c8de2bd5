import { referenceFlow } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { besideTransaction, openWithBatch } from './broken-reference.ts';

export const staleEvidence: RotationMutant = {
  name: 'stale-evidence',
  about: 'reads the evidence before the transaction: of a key that goes in between, it knows no replacement',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithBatch(async (transaction, rotations, options) => {
    const { steps } = options;
    const asked = rotations.map(({ keyId }) => keyId);
    const isAsked = (keyIds: readonly string[]): boolean => keyIds.every((id) => asked.includes(id));
    const early = await besideTransaction(transaction, (beside) => steps.readEvidence(beside, asked));
    const earlyHeirs = await besideTransaction(transaction, (beside) => steps.readHeirs(beside, asked));
    return referenceFlow.rotateBatch(transaction, rotations, {
      ...options,
      steps: {
        ...steps,
        readEvidence: async (inside, keyIds) => (isAsked(keyIds) ? early : steps.readEvidence(inside, keyIds)),
        readHeirs: async (inside, keyIds) => (isAsked(keyIds) ? earlyHeirs : steps.readHeirs(inside, keyIds)),
      },
    });
  }),
};
