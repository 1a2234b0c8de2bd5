import type { Db, Document } from 'mongodb';
import type { BackupDocument, BindingDocument, KeyDocument, Pool } from '../../src/index.ts';
import { bindingsOf, incarnationOf } from '../../src/documents.ts';
import { backupsOf, keysOf } from '../../src/testing.ts';

/** Stands in every apiKey of the tests, so that one that got out is found. */
export const SECRET_MARK = 'sk-very-secret';
const CREATED_AT = new Date('2026-01-02T03:04:05.678Z');

export const key = (_id: string, more: Partial<KeyDocument> & Document = {}): KeyDocument => ({
  _id,
  apiKey: `${SECRET_MARK}-key-${_id}`,
  status: 'healthy',
  tokensUsed: 11,
  requestsCount: 22,
  createdAt: CREATED_AT,
  ...more,
});

export const backup = (_id: string, more: Partial<BackupDocument> & Document = {}): BackupDocument => ({
  _id,
  apiKey: `${SECRET_MARK}-backup-${_id}`,
  isUsed: false,
  activated: true,
  usedAt: null,
  usedFor: null,
  createdAt: CREATED_AT,
  ...more,
});

/** A backup as the flows before this package left it. */
export const backupUsedByOldFlow = (_id: string, usedFor: string, usedAt: Date = CREATED_AT): BackupDocument =>
  backup(_id, { isUsed: true, usedFor, usedAt });

export const binding = (proxyId: string, keyId: string, more: Document = {}): BindingDocument => ({
  proxyId,
  keyId,
  priority: 1,
  isActive: true,
  createdAt: CREATED_AT,
  ...more,
});

/** The claim that an earlier rotation of this package made for the key. With it, the key's rotation is refused: it would be the second. */
export const claimedBefore = (failed: KeyDocument): BackupDocument =>
  backup('b-before', {
    isUsed: true,
    usedFor: failed._id,
    usedForIncarnation: incarnationOf(failed),
    usedIn: 'keys',
    rotationId: 'before',
  });

export const backups = (count: number): BackupDocument[] =>
  Array.from({ length: count }, (_, index) => backup(`b${String(index + 1)}`));

export interface PoolDocuments {
  readonly keys?: readonly KeyDocument[];
  readonly backups?: readonly BackupDocument[];
  readonly bindings?: readonly BindingDocument[];
}

/** Empties the pool's collections and the archive, and puts these documents in. */
export async function seed(db: Db, pool: Pool, documents: PoolDocuments): Promise<void> {
  await db.collection('archive').deleteMany({});
  const wanted: Record<string, readonly Document[]> = {
    [pool.collections.keys]: documents.keys ?? [],
    [pool.collections.backups]: documents.backups ?? [],
    [pool.collections.bindings]: documents.bindings ?? [],
  };
  for (const [name, all] of Object.entries(wanted)) {
    const collection = db.collection(name, { writeConcern: { w: 'majority' } });
    await collection.deleteMany({});
    if (all.length > 0) await collection.insertMany([...all]);
  }
}

export interface PoolState {
  readonly keys: readonly KeyDocument[];
  readonly backups: readonly BackupDocument[];
  readonly bindings: readonly BindingDocument[];
}

/** Reads the whole pool, in the order of the ids. */
export async function readState(db: Db, pool: Pool): Promise<PoolState> {
  const [keys, backupDocuments, bindings] = await Promise.all([
    keysOf(db, pool).find().sort({ _id: 1 }).toArray(),
    backupsOf(db, pool).find().sort({ _id: 1 }).toArray(),
    bindingsOf(db, pool).find().sort({ _id: 1 }).toArray(),
  ]);
  return { keys, backups: backupDocuments, bindings };
}

export const idsOf = (documents: readonly { readonly _id: string }[]): string[] => documents.map(({ _id }) => _id);

export const usedOf = ({ backups: all }: PoolState): BackupDocument[] => all.filter(({ isUsed }) => isUsed === true);
