import { bindingsOf, referenceFlow } from 'rotation-core/parts';
import { openRotator } from '../rotator-subject.ts';
import type { KnownBadSubject } from '../subject.ts';

export const firstBinding: KnownBadSubject = {
  name: 'first-binding',
  about: 'the reference, but of several bindings only the first is moved; needs no race at all',
  expected: 'violated',
  caughtBy: [{ scenario: 'same-key', adapter: 'keypool' }],
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
