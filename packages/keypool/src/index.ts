import { definePool, type Pool } from 'rotation-core';

export * from 'rotation-core';

/**
 * The pool of the keypool service. A failed key is deleted.
 *
 * Other names: `definePool({ ...keypool, collections: { ...keypool.collections, keys: 'troll_keys' } })`.
 */
export const keypool: Pool = definePool({
  name: 'keypool',
  collections: { keys: 'factory_keys', backups: 'backup_keys', bindings: 'proxy_key_bindings' },
  bindingKeyField: 'factoryKeyId',
  retirement: { kind: 'delete' },
  failures: {
    rotate: [
      { statuses: [401], reason: 'auth-error' },
      { statuses: [402], reason: 'exhausted' },
      {
        markers: ['invalid api key', 'invalid_api_key', 'api key revoked', 'key has been revoked'],
        reason: 'auth-error',
      },
      {
        markers: ['billing', 'subscription ended', 'subscription has ended', 'subscription expired'],
        reason: 'exhausted',
      },
      { statuses: [403], reason: 'auth-error' },
    ],
    coolDownMs: 60_000,
  },
});
