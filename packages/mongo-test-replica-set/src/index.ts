export { startReplicaSet } from './start-replica-set.ts';
export { DEFAULT_SET_PARAMETERS } from './settings.ts';
export type { Environment, SetParameters, StartEvent, StartOptions } from './settings.ts';
export { PROVIDER_NAMES } from './replica-set.ts';
export type { Member, PassedOver, ProviderName, ReplicaSet, Storage } from './replica-set.ts';
export { ReplicaSetError } from './replica-set-error.ts';
export type { ReplicaSetErrorCode } from './replica-set-error.ts';
export { assertOwnDatabase, createDatabaseName } from './own-database.ts';
export type { DatabaseOptions } from './own-database.ts';
