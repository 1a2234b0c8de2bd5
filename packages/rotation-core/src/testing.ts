/*
 * For test harnesses: the flow in exchangeable parts, of which a harness breaks one on purpose, and the options that a service
 * must not set. A service needs only the package's main entry. The exports of this file may change with any version.
 */
export { archiveOf, brakeOf, setAsideFieldsOf } from './pool.ts';
export { backupsOf, bindingsOf, isLive, keysOf, storedIncarnationOf } from './documents.ts';
export { referenceFlow, type FlowParts } from './flow/flow-parts.ts';
export type { Replacement } from './flow/replacement.ts';
export type { BatchOptions } from './flow/rotate-batch.ts';
export type { Steps } from './flow/steps/index.ts';
export type { Transaction } from './flow/transaction.ts';
export type { TestingOptions } from './options.ts';
export type { Answer, Rotation } from './rotation.ts';
export { createRotatorOf } from './verbs/create-rotator.ts';
