import {
  ANTHROPIC_FAILURES,
  COMMON_FAILURES,
  definePool,
  GEMINI_FAILURES,
  OPENAI_FAILURES,
  type FailureRule,
  type Pool,
} from 'rotation-core';

export * from 'rotation-core';

/** What the upstream of this service says of a key whose tokens are used up, or that was withdrawn. */
const OWN_FAILURES: readonly FailureRule[] = [
  {
    statuses: [400, 403, 422],
    markers: ['reload your tokens', 'subscribe', 'settings/billing', 'billing/settings', 'billing settings'],
    action: 'rotate',
    reason: 'exhausted',
  },
  { statuses: [400, 403, 422], markers: ['revoked'], action: 'rotate', reason: 'auth-error' },
];

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
  failures: {
    rules: [...OPENAI_FAILURES, ...ANTHROPIC_FAILURES, ...GEMINI_FAILURES, ...OWN_FAILURES, ...COMMON_FAILURES],
    coolDownMs: 60_000,
  },
});
