import { describe, expect, test } from 'vitest';
import { definePool, RotationError, type Pool } from '../src/index.ts';
import { archivingPool, deletingPool, keepingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

function refusal(pool: Pool): string {
  try {
    definePool(pool);
  } catch (error) {
    if (error instanceof RotationError && error.code === 'invalid-argument') return error.message;
    throw error;
  }
  throw new Error('Expected definePool to throw');
}

describe('a good pool', () => {
  test.each([deletingPool, archivingPool, keepingPool])('$name comes back as it was, frozen', (pool) => {
    const defined = definePool(pool);
    expect(defined).toEqual(pool);
    expect(Object.isFrozen(defined)).toBe(true);
    expect(Object.isFrozen(defined.collections)).toBe(true);
  });

  test('names are overridden by spreading', () => {
    const collections = { ...deletingPool.collections, keys: 'troll_keys' };
    const pool = definePool({ ...deletingPool, collections, bindingKeyField: 'trollKeyId' });
    expect(pool.collections).toEqual({ keys: 'troll_keys', backups: 'backups', bindings: 'bindings' });
  });

  test.each<[string, Partial<Pool>]>([
    ['paths in what an update writes', { usedBackup: { 'meta.state': 'used', 'meta.by': 'x' } }],
    [
      'paths and operators in what is asked for',
      { eligible: { 'meta.price': { $lt: 5 } }, order: { 'meta.price': 1 } },
    ],
    ['marks of a use in a free backup', { restoredBackup: { activated: false, usedFor: '', usedAt: null } }],
    ['null for a value', { ownBindings: { kind: null } }],
    ['no brake', { brake: false }],
  ])('may have %s', (_title, more) => {
    expect(definePool({ ...deletingPool, ...more })).toMatchObject(more);
  });

  test('later changes of the given object do not reach it', () => {
    const collections = { ...deletingPool.collections };
    const pool = definePool({ ...deletingPool, collections });
    collections.keys = 'others';
    expect(pool.collections.keys).toBe('keys');
  });
});

describe('a bad pool is refused by the name of the field', () => {
  test.each(['keys', 'backups', 'bindings'])('collections.%s empty', (name) => {
    const collections = { ...deletingPool.collections, [name]: '' };
    expect(refusal({ ...deletingPool, collections })).toContain(`collections.${name}`);
  });

  test.each([
    ['name', { ...deletingPool, name: '' }],
    ['bindingKeyField', { ...deletingPool, bindingKeyField: '' }],
    ['retirement.archive', { ...deletingPool, retirement: { kind: 'delete', archive: '' } }],
    ['name', { ...deletingPool, name: untyped(7) }],
  ] as const)('%s', (field, pool) => {
    expect(refusal(pool)).toContain(field);
  });

  test.each<[string, Partial<Pool>]>([
    ['idKind', { idKind: untyped('number') }],
    ['secretIds', { secretIds: untyped('no') }],
    ['keptStatuses', { keptStatuses: untyped('exhausted') }],
    ['maxOlderFlowMs', { maxOlderFlowMs: -1 }],
    ['ownBindings', { ownBindings: { keyId: 'k1' } }],
    ['ownBindings', { ownBindings: { proxyId: 'p1' } }],
    ['ownBindings', { ownBindings: { 'meta.pool': 'a' } }],
    ['ownBindings', { ownBindings: untyped('kind') }],
    ['ownBindings.kind', { ownBindings: { kind: untyped({ $ne: 'b' }) } }],
    ['ownBindings.kind', { ownBindings: { kind: untyped(undefined) } }],
    ['newKey', { newKey: { incarnation: 'x' } }],
    ['newKey', { newKey: { 'meta.state': 'live' } }],
    ['newKey.status', { newKey: { status: untyped(new Date()) } }],
    ['usedBackup', { usedBackup: { isUsed: false } }],
    ['usedBackup', { usedBackup: { 'usedFor.key': 'x' } }],
    ['usedBackup', { usedBackup: { brakeSequence: 1 } }],
    ['usedBackup', { usedBackup: { 'meta..state': 1 } }],
    ['usedBackup', { usedBackup: { $inc: 1 } }],
    ['usedBackup', { usedBackup: { meta: 1, 'meta.state': 1 } }],
    ['usedBackup.state', { usedBackup: { state: untyped({ $inc: 1 }) } }],
    ['restoredBackup', { restoredBackup: { rotationId: null } }],
    ['restoredBackup', { restoredBackup: { 'usedFor.key': null } }],
    ['restoredBackup.state', { restoredBackup: { state: untyped([]) } }],
    ['eligible', { eligible: { isUsed: true } }],
    ['eligible.provider', { eligible: { provider: undefined } }],
    ['eligible', { eligible: untyped(null) }],
    ['order', { order: { _id: 1 } }],
    ['order.price', { order: { price: untyped('up') } }],
    ['brake', { brake: untyped(null) }],
    ['brake.maxRotation', { brake: untyped({ maxRotation: 1, perMs: 60_000 }) }],
    ['brake.maxRotations', { brake: { maxRotations: 0, perMs: 60_000 } }],
    ['brake.perMs', { brake: { maxRotations: 1, perMs: 999 } }],
    ['setAsideFields', { setAsideFields: untyped(null) }],
    ['setAsideFields.at', { setAsideFields: { at: 'isUsed', reason: 'why' } }],
    ['setAsideFields.at', { setAsideFields: { at: 'set.aside', reason: 'why' } }],
    ['setAsideFields.at', { setAsideFields: { at: 'createdAt', reason: 'why' } }],
    ['setAsideFields.reason', { setAsideFields: { at: 'aside', reason: 'status' } }],
    ['setAsideFields.reason', { setAsideFields: { at: 'aside', reason: 'aside' } }],
    ['setAsideFields.reason', { setAsideFields: untyped({ at: 'aside' }) }],
    ['setAsideFields.at', { eligible: { setAsideAt: null } }],
    ['setAsideFields.at', { order: { 'setAsideAt.x': 1 } }],
    ['setAsideFields.reason', { usedBackup: { setAsideReason: '' } }],
    ['replacedKeyField', { replacedKeyField: 'replaced.key' }],
    ['replacedKeyField', { replacedKeyField: 'apiKey' }],
    ['replacedKeyField', { replacedKeyField: '_id' }],
    ['replacedKeyField', { replacedKeyField: 'predecessors' }],
    ['replacedKeyField', { replacedKeyField: 'status' }],
    ['replacedKeyField', { replacedKeyField: 'cooldownUntil' }],
    ['movedBindingFields', { movedBindingFields: ['$updatedAt'] }],
    ['movedBindingFields', { movedBindingFields: ['keyId'] }],
    ['movedBindingFields', { movedBindingFields: ['proxyId'] }],
    ['movedBindingFields', { movedBindingFields: ['kind'], ownBindings: { kind: 'a' } }],
    ['movedBindingFields', { movedBindingFields: untyped('updatedAt') }],
    ['retirement', { retirement: untyped({ kind: 'drop' }) }],
    ['retirement', { retirement: untyped(undefined) }],
    ['retirement.status.auth-error', { retirement: untyped({ kind: 'keep', status: { exhausted: 'exhausted' } }) }],
    ['retirement.archive.deletedBy', { retirement: { kind: 'delete', archive: { collection: 'a', deletedBy: '' } } }],
    [
      'retirement.archive.deletedby',
      { retirement: untyped({ kind: 'delete', archive: { collection: 'a', deletedby: 'x' } }) },
    ],
    ['failures', { failures: untyped(undefined) }],
    [
      'failures.marks.cooldownField',
      { failures: { ...deletingPool.failures, marks: untyped({ cooldownField: 'x' }) } },
    ],
    ['secretids', untyped({ secretids: true })],
    ['idkind', untyped({ idkind: 'uuid' })],
    ['verify', untyped({ verify: () => true })],
  ])('%s with what rotations need', (field, more) => {
    expect(refusal({ ...deletingPool, ...more })).toContain(`Pool ${field}`);
  });

  test('no pool at all', () => {
    expect(refusal(untyped(undefined))).toBe('Pool definition: expected an object');
  });

  test.each(['_id', 'proxyId', 'key.id', '$keyId', 'a$b'])('bindingKeyField %s', (bindingKeyField) => {
    expect(refusal({ ...deletingPool, bindingKeyField })).toContain('bindingKeyField');
  });

  test.each(['keys', 'backups', 'bindings'])('the archive is the collection of the %s', (archive) => {
    expect(refusal({ ...deletingPool, retirement: { kind: 'delete', archive } })).toContain('must differ');
  });

  test('two collections are one', () => {
    const collections = { keys: 'same', backups: 'same', bindings: 'bindings' };
    expect(refusal({ ...deletingPool, collections })).toContain('must differ');
  });
});
