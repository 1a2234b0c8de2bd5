import { COMMON_FAILURES, definePool, type Pool } from 'rotation-core';

export * from 'rotation-core';

/**
 * The pool of the keypool service. A failed key is deleted.
 *
 * To use other collections: `definePool({ ...keypool, collections: { ...keypool.collections, keys: 'troll_keys' } })`.
 */
export const keypool: Pool = definePool({
  name: 'keypool',
  collections: { keys: 'factory_keys', backups: 'backup_keys', bindings: 'proxy_key_bindings' },
  bindingKeyField: 'factoryKeyId',
  movedBindingFields: ['updatedAt'],
  replacedKeyField: 'replacedKey',
  usedBackup: { activated: true },
  restoredBackup: { activated: false, usedFor: '', usedAt: null },
  retirement: { kind: 'delete' },
  failures: { rotate: COMMON_FAILURES, coolDownMs: 60_000 },
});
