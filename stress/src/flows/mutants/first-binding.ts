import { bindingsOf } from 'rotation-core/testing';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

export const firstBinding: RotationMutant = {
  name: 'first-binding',
  about: 'the reference, but of several bindings only the first is moved; needs no race at all',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  storms: [{ scenario: 'same-key', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: openWithSteps(
    {
      moveBindings: async ({ db, pool, session }, moves) => {
        for (const { from, to } of moves)
          await bindingsOf(db, pool).updateOne(
            { [pool.bindingKeyField]: from },
            { $set: { [pool.bindingKeyField]: to } },
            { session },
          );
        return moves.length;
      },
    },
    { coalesce: true },
  ),
};
