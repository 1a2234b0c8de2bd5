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
    ['ownBindings', { ownBindings: { keyId: 'k1' } }],
    ['newKey', { newKey: { incarnation: 'x' } }],
    ['usedBackup', { usedBackup: { isUsed: false } }],
    ['restoredBackup', { restoredBackup: { rotationId: null } }],
    ['eligible', { eligible: { isUsed: true } }],
    ['order', { order: { _id: 1 } }],
    ['order.price', { order: { price: untyped('up') } }],
    ['brake.maxRotations', { brake: { maxRotations: 0, perMs: 60_000 } }],
    ['brake.perMs', { brake: { maxRotations: 1, perMs: 999 } }],
    ['setAsideFields.at', { setAsideFields: { at: 'isUsed', reason: 'why' } }],
    ['setAsideFields.at', { setAsideFields: { at: 'set.aside', reason: 'why' } }],
    ['setAsideFields.reason', { setAsideFields: { at: 'aside', reason: 'aside' } }],
    ['setAsideFields.at', { eligible: { setAsideAt: null } }],
    ['setAsideFields.reason', { usedBackup: { setAsideReason: '' } }],
    ['replacedKeyField', { replacedKeyField: 'replaced.key' }],
    ['movedBindingFields', { movedBindingFields: ['$updatedAt'] }],
    ['retirement.archive.deletedBy', { retirement: { kind: 'delete', archive: { collection: 'a', deletedBy: '' } } }],
  ])('%s with what rotations need', (field, more) => {
    expect(refusal({ ...deletingPool, ...more })).toContain(`Pool ${field}`);
  });

  test.each(['_id', 'key.id', '$keyId', 'a$b'])('bindingKeyField %s', (bindingKeyField) => {
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
