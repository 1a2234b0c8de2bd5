/*
 * The flow in parts, for a harness that breaks one of them on purpose. A service needs only the package's main entry; what is here
 * may change with any version.
 */
export { createRotatorOf } from './create-rotator.ts';
export { backupsOf, bindingsOf, isLive, keysOf } from './documents.ts';
export { referenceFlow, type Flow } from './flow.ts';
export type { BatchOptions } from './rotate-batch.ts';
export type { Answer, Replacement, Rotation, Transaction } from './rotation.ts';
export type { Steps } from './steps/index.ts';
