import type { IndexDescription } from 'mongodb';
import type { Pool } from './pool.ts';

/** The indexes that a pool needs, by the role of the collection. */
export const indexesOf = ({
  bindingKeyField,
}: Pool): Readonly<Record<'keys' | 'backups' | 'bindings', readonly IndexDescription[]>> => ({
  keys: [
    { name: 'rotation_predecessors', key: { 'predecessors.keyId': 1 }, sparse: true },
    { name: 'rotation_predecessor_rotations', key: { 'predecessors.rotationId': 1 }, sparse: true },
  ],
  backups: [
    { name: 'rotation_free', key: { isUsed: 1, _id: 1 } },
    { name: 'rotation_evidence', key: { usedFor: 1, usedAt: -1 } },
    { name: 'rotation_id', key: { rotationId: 1 }, sparse: true },
    {
      // I1 as a rule of the database. Partial, so that several backups that older flows used for one key don't violate it.
      name: 'rotation_one_claim_per_incarnation',
      key: { usedIn: 1, usedFor: 1, usedForIncarnation: 1 },
      unique: true,
      partialFilterExpression: { usedForIncarnation: { $exists: true } },
    },
  ],
  bindings: [{ name: `rotation_${bindingKeyField}`, key: { [bindingKeyField]: 1 } }],
});
