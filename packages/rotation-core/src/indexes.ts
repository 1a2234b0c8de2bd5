import type { IndexDescription } from 'mongodb';
import type { Pool } from './pool.ts';

export type NamedIndex = IndexDescription & { readonly name: string };

/** The indexes that a pool needs, by the role of the collection. */
export const indexesOf = ({
  bindingKeyField,
  eligible,
  order,
}: Pool): Readonly<Record<'keys' | 'backups' | 'bindings', readonly NamedIndex[]>> => ({
  keys: [
    { name: 'rotation_predecessors', key: { 'predecessors.keyId': 1 }, sparse: true },
    { name: 'rotation_predecessor_rotations', key: { 'predecessors.rotationId': 1 }, sparse: true },
  ],
  backups: [
    freeIndex(eligible, order),
    { name: 'rotation_evidence', key: { usedFor: 1, usedAt: -1 } },
    { name: 'rotation_id', key: { rotationId: 1 }, sparse: true },
    {
      name: 'rotation_recent',
      key: { usedIn: 1, usedAt: -1, _id: 1 },
      partialFilterExpression: { usedAt: { $type: 'date' } },
    },
    {
      // I1 as a rule of the database. Partial, so that several backups that older flows used for one key don't violate it.
      name: 'rotation_one_claim_per_incarnation',
      key: { usedIn: 1, usedFor: 1, usedForIncarnation: 1 },
      unique: true,
      partialFilterExpression: { usedForIncarnation: { $exists: true } },
    },
  ],
  // In a collection with a collation the ids are compared as they are all the same.
  bindings: [{ name: `rotation_${bindingKeyField}`, key: { [bindingKeyField]: 1 }, collation: { locale: 'simple' } }],
});

/** Serves the eligible backups in the pool's order without a sort: equalities first, then the order, then what else is asked. */
function freeIndex(eligible: Pool['eligible'] = {}, order: Pool['order'] = {}): NamedIndex {
  const fields = Object.keys(eligible).filter((name) => !name.startsWith('$'));
  const isEquality = (name: string): boolean => {
    const value = eligible[name];
    return typeof value !== 'object' || value === null;
  };
  const key = {
    isUsed: 1,
    ...Object.fromEntries(fields.filter(isEquality).map((name) => [name, 1])),
    ...order,
    _id: 1,
    ...Object.fromEntries(fields.filter((name) => !isEquality(name)).map((name) => [name, 1])),
  } as const;
  const names = Object.keys(key).filter((name) => name !== 'isUsed' && name !== '_id');
  return { name: ['rotation_free', ...names].join('_'), key };
}
