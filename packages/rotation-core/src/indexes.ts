import { createHash } from 'node:crypto';
import type { IndexDescription } from 'mongodb';
import { EXACT } from './documents.ts';
import type { AnyPool } from './pool.ts';

export type NamedIndex = IndexDescription & { readonly name: string };

/** Refuses a second claim for one incarnation of a key. */
export const ONE_CLAIM_INDEX = 'rotation_one_claim_per_incarnation';

/** The indexes that a pool needs, by the role of the collection. */
export const indexesOf = ({
  bindingKeyField,
  eligible,
  order,
}: AnyPool): Readonly<Record<'keys' | 'backups' | 'bindings', readonly NamedIndex[]>> => ({
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
      name: ONE_CLAIM_INDEX,
      key: { usedIn: 1, usedFor: 1, usedForIncarnation: 1 },
      unique: true,
      collation: EXACT,
      partialFilterExpression: { usedForIncarnation: { $exists: true } },
    },
  ],
  bindings: [{ name: `rotation_${bindingKeyField}`, key: { [bindingKeyField]: 1 }, collation: EXACT }],
});

/**
 * Serves the eligible backups in the pool's order without a sort. Which are eligible is a condition of the index and no field of it: of the fields of
 * one index only one may hold an array. Conditions with operators are left to the query: a time that is drawn at each start would be another index
 * each time. The name tells the indexes of two pools apart.
 */
function freeIndex(eligible: AnyPool['eligible'] = {}, order: AnyPool['order'] = {}): NamedIndex {
  const condition = Object.fromEntries(Object.entries(eligible).filter(([, value]) => isPlain(value)));
  const isConditional = Object.keys(condition).length > 0;
  const names = Object.entries(order).map(([name, direction]) => `${name}_${String(direction)}`);
  return {
    name: ['rotation_free', ...names, ...(isConditional ? [digestOf(condition)] : [])].join('_'),
    key: { isUsed: 1, ...order, _id: 1 },
    ...(isConditional ? { partialFilterExpression: condition } : {}),
  };
}

const isPlain = (value: unknown): boolean =>
  ['string', 'number', 'boolean'].includes(typeof value) ||
  (typeof value === 'object' && value !== null && '_bsontype' in value);

const digestOf = (condition: object): string =>
  createHash('sha256').update(JSON.stringify(condition)).digest('hex').slice(0, 8);
