import { referenceFlow, bindingsOf, isLive, keysOf } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';

export const bindWithoutTouch: RotationMutant = {
  name: 'bind-without-touch',
  about:
    'the reference, but binding a proxy only reads the key: a rotation at that moment does not see the new binding',
  expected: 'violated',
  breaks: ['I3'],
  depth: 2,
  storms: [{ scenario: 'mixed-traffic', deployment: 'keypool' }],
  explorations: [{ scenario: 'binding-added', deployment: 'keypool', callers: 1 }],
  operates: true,
  open: openRotator(() => referenceFlow, {
    coalesce: false,
    operator: (db, pool) => ({
      bind: ({ proxyId, keyId }) =>
        db.client.withSession((session) =>
          session.withTransaction(async () => {
            const key = await keysOf(db, pool).findOne({ _id: keyId }, { session });
            if (!isLive(key ?? undefined)) return { kind: 'not-found' };
            const binding = { proxyId: proxyId as string, [pool.bindingKeyField]: keyId, isActive: true };
            await bindingsOf(db, pool).insertOne(binding, { session });
            return { kind: 'bound', keyId };
          }),
        ),
    }),
  }),
};
