import { COMMON_FAILURES, definePool, type Pool } from '../../src/index.ts';

const collections = { keys: 'keys', backups: 'backups', bindings: 'bindings' };
const failures = { rules: COMMON_FAILURES, coolDownMs: 60_000 };

/** Deletes failed keys. */
export const deletingPool: Pool = definePool({
  name: 'deleting',
  collections,
  bindingKeyField: 'keyId',
  retirement: { kind: 'delete' },
  failures,
  // Tests rotate hundreds of keys at once. The brake has tests of its own.
  brake: false,
});

/** Deletes failed keys after a copy was put into the archive. */
export const archivingPool: Pool = definePool({
  ...deletingPool,
  name: 'archiving',
  retirement: { kind: 'delete', archive: 'archive' },
});

/** Keeps failed keys, on the same collections; knows the statuses under which an older flow kept them without a mark. */
export const keepingPool: Pool = definePool({
  ...deletingPool,
  name: 'keeping',
  retirement: { kind: 'keep', status: { exhausted: 'exhausted', 'auth-error': 'need_refresh' } },
  keptStatuses: ['exhausted', 'need_refresh'],
});

/** Deletes failed keys, and shares its collections with `keepingPool`. */
export const sharingPool: Pool = definePool({
  ...deletingPool,
  name: 'sharing',
  keptStatuses: ['exhausted', 'need_refresh'],
});
