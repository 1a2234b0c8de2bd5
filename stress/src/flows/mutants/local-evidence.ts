import { MongoError, type Db } from 'mongodb';
import type { Pool } from 'rotation-core';
import { backupsOf, isLive, keysOf, referenceFlow } from 'rotation-core/testing';
import { openRotator } from '../open-rotator.ts';
import type { RotationFaultMutant } from '../rotation-flow.ts';
import { contendedKeys } from './fault-storm.ts';

const LOCAL = { readConcern: { level: 'local' } } as const;

const openReference = openRotator(() => referenceFlow, { coalesce: true });

export const localEvidence: RotationFaultMutant = {
  name: 'local-evidence',
  about:
    'asks for evidence before it rotates, with read concern local and no commit: it tells a rotation that is rolled back later',
  expected: 'violated',
  breaks: ['I5'],
  storms: [],
  explorations: [],
  faultStorms: [contendedKeys('rollback')],
  open: (db, pool, observer, surroundings) => {
    const reference = openReference(db, pool, observer, surroundings);
    return {
      ...reference,
      call: async (caller, call) => {
        const replacement = call.op === 'rotate' ? await findSuccessor(db, pool, call.keyId) : undefined;
        return replacement === undefined ? reference.call(caller, call) : { kind: 'already-rotated', replacement };
      },
    };
  },
};

/** The live key at the end of the chain; nothing where the key is live itself, or where no member answers. */
async function findSuccessor(db: Db, pool: Pool, keyId: string): Promise<string | undefined> {
  try {
    const seen = new Set<string>();
    for (let id: string | undefined = keyId; id !== undefined && !seen.has(id);) {
      seen.add(id);
      const key = await keysOf(db, pool).findOne({ _id: id }, LOCAL);
      if (key !== null && isLive(key)) return id === keyId ? undefined : id;
      id = (await backupsOf(db, pool).findOne({ usedFor: id, isUsed: true }, LOCAL))?._id;
    }
  } catch (error) {
    if (!(error instanceof MongoError)) throw error;
  }
  return undefined;
}
