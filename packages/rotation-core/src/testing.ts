/*
 * For test harnesses: the flow in exchangeable parts, of which a harness breaks one on purpose, and the options that a service
 * must not set. A service needs only the package's main entry. The exports of this file may change with any version.
 */
import type { Collection, Db } from 'mongodb';
import type { BackupDocument, KeyDocument } from './documents.ts';
import type { IdKind } from './ids.ts';
import type { Pool } from './pool.ts';

export { archiveOf, brakeOf, setAsideFieldsOf } from './pool.ts';
export { bindingsOf, isLive, storedIncarnationOf } from './documents.ts';
export { referenceFlow, type FlowParts } from './flow/flow-parts.ts';
export type { Replacement } from './flow/replacement.ts';
export type { BatchOptions } from './flow/rotate-batch.ts';
export type { Steps } from './flow/steps/index.ts';
export type { Transaction } from './flow/transaction.ts';
export type { Concerns, TestingOptions } from './options.ts';
export type { Answer, Rotation } from './rotation.ts';
export { createRotatorOf } from './verbs/create-rotator.ts';

/** The collections of a pool whose ids are strings. */
export const keysOf = (db: Db, pool: Pool<IdKind>): Collection<KeyDocument> => db.collection(pool.collections.keys);
export const backupsOf = (db: Db, pool: Pool<IdKind>): Collection<BackupDocument> =>
  db.collection(pool.collections.backups);
