import { randomUUID } from 'node:crypto';
import { MongoError } from 'mongodb';
import { referenceFlow, type Rotation } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithBatch } from './broken-reference.ts';
import { commitOnce } from './commit-once.ts';

export const unknownIsUndone: RotationMutant = {
  name: 'unknown-is-undone',
  about: 'takes a commit without a reply for undone, and rotates again as somebody new, who finds the work of another',
  expected: 'violated',
  breaks: ['I5'],
  depth: 1,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2, faults: ['lost-reply'] }],
  open: openWithBatch(async (transaction, rotations, options) => {
    const renamed = new Map<Rotation, Rotation>(
      rotations.map((rotation) => [{ ...rotation, rotationId: randomUUID() }, rotation]),
    );
    try {
      const answers = await referenceFlow.rotateBatch(transaction, [...renamed.keys()], options);
      await commitOnce(transaction);
      return new Map([...answers].map(([own, answer]) => [renamed.get(own) ?? own, answer]));
    } catch (error) {
      if (error instanceof MongoError) error.addErrorLabel('TransientTransactionError');
      throw error;
    } finally {
      for (const [own, rotation] of renamed) rotation.incarnation = own.incarnation;
    }
  }),
};
