import { commonFailures, definePool, type Pool } from 'rotation-core';

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
    rotate: [{ statuses: [400], markers: ['budget_exceeded'], reason: 'exhausted' }, ...commonFailures],
    coolDownMs: 60_000,
  },
});
