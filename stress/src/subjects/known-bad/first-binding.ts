import { bindingsOf, referenceFlow } from 'rotation-core/parts';
import { openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

export const firstBinding: KnownBadSubject = {
  name: 'first-binding',
  about: 'the reference, but of several bindings only the first is moved; needs no race at all',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  caughtBy: [{ scenario: 'same-key', adapter: 'keypool' }],
  shownBy: { scenario: 'same-key', adapter: 'keypool', callers: 2, mode: 'exhaustive' },
  open: openRotator(
    () => ({
      ...referenceFlow,
      steps: {
        ...referenceFlow.steps,
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
    }),
    { coalesce: true },
  ),
};
