export { startReplicaSet } from './start-replica-set.ts';
export { defaultSetParameters } from './settings.ts';
export type { Environment, SetParameters, StartEvent, StartOptions } from './settings.ts';
export { providerNames } from './replica-set.ts';
export type { Member, PassedOver, ProviderName, ReplicaSet, Storage } from './replica-set.ts';
export { ReplicaSetError } from './replica-set-error.ts';
export type { ReplicaSetErrorCode } from './replica-set-error.ts';
export { assertOwnDatabase, createDatabaseName, ownDatabasePrefix } from './own-database.ts';
