import { bindingsOf, isLive, keysOf, referenceFlow } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

export const sweepDeletes: RotationMutant = {
  name: 'sweep-deletes',
  about:
    'the reference, but a sweep deletes the bindings of keys that are not live, instead of moving them to the successors',
  expected: 'violated',
  breaks: ['I3'],
  depth: 1,
  storms: [{ scenario: 'mixed-traffic', deployment: 'keypool' }],
  explorations: [{ scenario: 'swept', deployment: 'keypool', callers: 1 }],
  operates: true,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    operator: (db, pool) => ({
      sweep: async () => {
        const keys = await keysOf(db, pool).find({}).toArray();
        const live = keys.filter((key) => isLive(key)).map(({ _id }) => _id);
        const { deletedCount } = await bindingsOf(db, pool).deleteMany({ [pool.bindingKeyField]: { $nin: live } });
        return { moved: deletedCount, unresolved: [] };
      },
    }),
  }),
};
