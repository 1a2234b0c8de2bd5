import { definePool, type Pool } from 'rotation-core';

export * from 'rotation-core';

/**
 * The pool of the openhandspool service. A failed key is kept for review: `exhausted`, after an auth error `need_refresh`, with
 * `replacedBy` and without bindings. An exhausted key without `replacedBy` waits for stock and can still be rotated.
 *
 * Its collections are shared with openhands, which deletes failed keys. Both see each other's rotations.
 */
export const openhandspool: Pool = definePool({
  name: 'openhandspool',
  collections: { keys: 'openhands_keys', backups: 'openhands_backup_keys', bindings: 'openhands_bindings' },
  bindingKeyField: 'openhandsKeyId',
  retirement: { kind: 'keep', status: { exhausted: 'exhausted', 'auth-error': 'need_refresh' } },
  keptStatuses: ['exhausted', 'need_refresh'],
  failures: {
    rotate: [
      { statuses: [401], reason: 'auth-error' },
      { statuses: [402], reason: 'exhausted' },
      { statuses: [400], markers: ['budget_exceeded'], reason: 'exhausted' },
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
