import {
  ANTHROPIC_FAILURES,
  COMMON_FAILURES,
  definePool,
  GEMINI_FAILURES,
  LITELLM_FAILURES,
  OPENAI_FAILURES,
  type Pool,
} from 'rotation-core';

export * from 'rotation-core';

/**
 * The pool of the openhandspool service. A replaced key is kept for review: with the status `exhausted`, or `need_refresh` after
 * an auth error, with `replacedBy`, and without bindings. An exhausted key without `replacedBy` waits for stock and can still be
 * rotated.
 *
 * The openhands service uses the same collections, and deletes failed keys. Each service sees the other's rotations.
 */
export const openhandspool: Pool = definePool({
  name: 'openhandspool',
  collections: { keys: 'openhands_keys', backups: 'openhands_backup_keys', bindings: 'openhands_bindings' },
  bindingKeyField: 'openhandsKeyId',
  movedBindingFields: ['updatedAt'],
  replacedKeyField: 'replacedKey',
  usedBackup: { activated: true },
  restoredBackup: { activated: false, usedFor: '', usedAt: null },
  retirement: { kind: 'keep', status: { exhausted: 'exhausted', 'auth-error': 'need_refresh' } },
  keptStatuses: ['exhausted', 'need_refresh'],
  failures: {
    rules: [...LITELLM_FAILURES, ...OPENAI_FAILURES, ...ANTHROPIC_FAILURES, ...GEMINI_FAILURES, ...COMMON_FAILURES],
    coolDownMs: 60_000,
  },
});
