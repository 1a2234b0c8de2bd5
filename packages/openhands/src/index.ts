import { commonFailures, definePool, type Pool } from 'rotation-core';

export * from 'rotation-core';

/**
 * The pool of the openhands service. A failed key is deleted; where an archive is wanted, name its collection:
 * `definePool({ ...openhands, retirement: { kind: 'delete', archive: 'openhands_keys_archive' } })`.
 *
 * Its collections are shared with openhandspool, which keeps replaced keys. Both see each other's rotations.
 */
export const openhands: Pool = definePool({
  name: 'openhands',
  collections: { keys: 'openhands_keys', backups: 'openhands_backup_keys', bindings: 'openhands_bindings' },
  bindingKeyField: 'openhandsKeyId',
  retirement: { kind: 'delete' },
  keptStatuses: ['exhausted', 'need_refresh'],
  failures: {
    rotate: [{ statuses: [400], markers: ['budget_exceeded'], reason: 'exhausted' }, ...commonFailures],
    coolDownMs: 60_000,
  },
});
