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
 * The pool of the openhands service. A failed key is deleted. To archive failed keys, name a collection:
 * `definePool({ ...openhands, retirement: { kind: 'delete', archive: 'openhands_keys_archive' } })`.
 *
 * The openhandspool service uses the same collections, and keeps replaced keys in them. Each service sees the other's rotations.
 */
export const openhands: Pool = definePool({
  name: 'openhands',
  collections: { keys: 'openhands_keys', backups: 'openhands_backup_keys', bindings: 'openhands_bindings' },
  bindingKeyField: 'openhandsKeyId',
  movedBindingFields: ['updatedAt'],
  replacedKeyField: 'replacedKey',
  usedBackup: { activated: true },
  restoredBackup: { activated: false, usedFor: '', usedAt: null },
  retirement: { kind: 'delete' },
  keptStatuses: ['exhausted', 'need_refresh'],
  failures: {
    rules: [...LITELLM_FAILURES, ...OPENAI_FAILURES, ...ANTHROPIC_FAILURES, ...GEMINI_FAILURES, ...COMMON_FAILURES],
    coolDownMs: 60_000,
  },
});
