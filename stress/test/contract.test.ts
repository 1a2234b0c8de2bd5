import { ObjectId, type Document } from 'mongodb';
import * as core from 'rotation-core';
import { createRotator, definePool, type RotationOutcome } from 'rotation-core';
import { createRotatorOf, referenceFlow } from 'rotation-core/testing';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { services } from './contract/services.ts';

/*
 * One suite for all adapters: the data that the services have today, before and after a rotation, and the failures that make
 * them rotate. Documents are read and written with the plain driver, as another program would.
 */
const database = await openTestDatabase('contract');
const { db } = database;
afterAll(() => database.close());

const CREATED_AT = new Date('2025-11-12T13:14:15.000Z');
const keyOf = (_id: string, more: Document = {}): Document => ({
  _id,
  apiKey: `secret of ${_id}`,
  status: 'healthy',
  tokensUsed: 123_456,
  requestsCount: 789,
  createdAt: CREATED_AT,
  ...more,
});
const backupOf = (_id: string, more: Document = {}): Document => ({
  _id,
  apiKey: `secret of ${_id}`,
  isUsed: false,
  activated: true,
  usedAt: null,
  usedFor: null,
  createdAt: CREATED_AT,
  ...more,
});

describe.each(services)('$title', (service) => {
  const { pool } = service;
  const rotator = createRotator(db, pool);
  const bindingOf = (proxyId: string, keyId: string, more: Document = {}): Document => ({
    _id: new ObjectId(),
    proxyId,
    [service.keyField]: keyId,
    priority: 1,
    isActive: true,
    createdAt: CREATED_AT,
    ...more,
  });
  const read = (name: string): Promise<Document[]> => db.collection(name).find().sort({ _id: 1 }).toArray();
  const readPool = async () => ({
    keys: await read(service.keys),
    backups: await read(service.backups),
    bindings: await read(service.bindings),
  });

  async function fill(keys: Document[], backups: Document[], bindings: Document[]): Promise<void> {
    for (const [name, documents] of [
      [service.keys, keys],
      [service.backups, backups],
      [service.bindings, bindings],
    ] as const)
      if (documents.length > 0) await db.collection(name).insertMany(documents, { writeConcern: { w: 'majority' } });
  }

  /** What becomes of the failed key. */
  const retired = (failed: Document, reason: 'exhausted' | 'auth-error', rotationId: string): Document[] =>
    service.kept === undefined
      ? []
      : [
          {
            ...failed,
            status: service.kept[reason],
            replacedBy: 'b1',
            rotationId,
            replacedAt: expect.any(Date),
          },
        ];

  test('hands on the whole core, and a pool of its own name', () => {
    expect(service.adapter).toMatchObject({ ...core });
    expect(pool.name).toBe(service.title.split(' ')[0]);
    expect(Object.isFrozen(pool)).toBe(true);
  });

  describe('data', () => {
    beforeEach(() => db.dropDatabase());

    test.each(['exhausted', 'auth-error'] as const)(
      'a rotation after %s leaves the data that the service knows',
      async (reason) => {
        const failed = keyOf('k1', { region: 'eu' });
        const bindings = [
          bindingOf('p1', 'k1', { priority: 3, isActive: false }),
          bindingOf('p2', 'k1', { note: { by: 'operator' } }),
          bindingOf('p3', 'k2'),
        ];
        await fill([failed, keyOf('k2')], [backupOf('b1', { tier: 'gold' })], bindings);
        const outcome = await rotator.rotate('k1', { reason });

        expect(outcome).toMatchObject({ kind: 'rotated', keyId: 'k1', replacement: 'b1' });
        const { rotationId } = outcome as Extract<RotationOutcome, { kind: 'rotated' }>;
        const after = await readPool();
        expect(after.keys).toEqual([
          {
            _id: 'b1',
            apiKey: 'secret of b1',
            tier: 'gold',
            status: 'healthy',
            tokensUsed: 0,
            requestsCount: 0,
            createdAt: expect.any(Date),
            incarnation: rotationId,
            predecessors: [{ keyId: 'k1', incarnation: 'created 2025-11-12T13:14:15.000Z', rotationId }],
            replacedKey: 'k1',
          },
          ...retired(failed, reason, rotationId),
          keyOf('k2'),
        ]);
        expect(after.backups).toEqual([
          {
            ...backupOf('b1', { tier: 'gold' }),
            isUsed: true,
            activated: true,
            usedAt: expect.any(Date),
            usedFor: 'k1',
            usedForIncarnation: 'created 2025-11-12T13:14:15.000Z',
            usedIn: service.keys,
            rotationId,
          },
        ]);
        const updatedAt: unknown = expect.any(Date);
        expect(after.bindings).toEqual(
          bindings.map((binding) =>
            binding['proxyId'] === 'p3' ? binding : { ...binding, [service.keyField]: 'b1', updatedAt },
          ),
        );
        const archived = service.archive === undefined ? [] : await read(service.archive);
        expect(archived).toEqual(service.archive === undefined ? [] : [{ ...failed, rotationId }]);
      },
    );

    test('touches no other collection', async () => {
      await fill([keyOf('k1')], [backupOf('b1')], [bindingOf('p1', 'k1')]);
      await rotator.ensureIndexes();
      await rotator.rotate('k1');
      const names = (await db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);
      const own = [service.keys, service.backups, service.bindings];
      expect(new Set(names)).toEqual(new Set(service.archive === undefined ? own : [...own, service.archive]));
    });

    test('with no backup left everything stays as it is', async () => {
      await fill(
        [keyOf('k1', { status: 'rate_limited' }), keyOf('b1')],
        [backupOf('b1', { isUsed: true, usedFor: 'k0', usedAt: CREATED_AT })],
        [bindingOf('p1', 'k1'), bindingOf('p2', 'k1')],
      );
      const before = await readPool();
      expect(await rotator.rotate('k1', { reason: 'auth-error' })).toEqual({ kind: 'no-backup', keyId: 'k1' });
      expect(await readPool()).toEqual(before);
    });

    // A key for which there was no backup is marked exhausted for 24 h; red where that status alone says "was replaced".
    test('a key that was marked exhausted for want of a backup is rotated when stock comes', async () => {
      await fill([keyOf('k1', { status: 'exhausted' })], [], [bindingOf('p1', 'k1')]);
      expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
      await fill([], [backupOf('b1')], []);
      expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
      expect((await readPool()).bindings).toMatchObject([{ [service.keyField]: 'b1' }]);
    });

    test('a backup that verify refuses is set aside, stays where it is, and comes back by restoreBackup', async () => {
      await fill([keyOf('k1')], [backupOf('b1'), backupOf('b2')], [bindingOf('p1', 'k1')]);
      const verifying = createRotatorOf(referenceFlow, db, pool, {
        random: () => 0,
        verify: ({ apiKey }) =>
          apiKey === 'secret of b1' ? { kind: 'unusable', reason: 'No such key' } : { kind: 'usable' },
      });
      expect(await verifying.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
      const [aside] = (await readPool()).backups;
      expect(aside).toEqual({ ...backupOf('b1'), setAsideAt: expect.any(Date), setAsideReason: 'No such key' });
      expect(await rotator.rotate('b2')).toEqual({ kind: 'no-backup', keyId: 'b2' });
      expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
      expect(await rotator.rotate('b2')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
      const { keys, bindings } = await readPool();
      expect(keys[0]).not.toHaveProperty('setAsideReason');
      expect(bindings).toMatchObject([{ proxyId: 'p1', [service.keyField]: 'b1' }]);
    });

    // Red on every mutant but first-binding: more than one backup is used, or two keys are installed.
    test('callers at once and late ones: one backup, one replacement', async () => {
      await fill(
        [keyOf('k1')],
        Array.from({ length: 9 }, (_, index) => backupOf(`b${String(index)}`)),
        [bindingOf('p1', 'k1'), bindingOf('p2', 'k1')],
      );
      const rotators = [rotator, createRotatorOf(referenceFlow, await database.connect(), pool, { coalesce: false })];
      const calls = Array.from({ length: 6 }, () => rotators.map((each) => each.rotate('k1')));
      const outcomes = [...(await Promise.all(calls.flat())), await rotator.rotate('k1')];
      expect(outcomes.filter(({ kind }) => kind === 'rotated')).toHaveLength(1);
      expect(outcomes.filter(({ kind }) => kind === 'already-rotated')).toHaveLength(12);
      const after = await readPool();
      const used = after.backups.filter(({ isUsed }) => isUsed === true);
      expect(used).toMatchObject([{ usedFor: 'k1' }]);
      for (const outcome of outcomes) expect(outcome).toMatchObject({ replacement: used[0]?.['_id'] });
      for (const binding of after.bindings) expect(binding[service.keyField]).toBe(used[0]?.['_id']);
    });

    test('works on what older flows left, indexes included', async () => {
      const used = { isUsed: true, usedFor: 'k0', usedAt: CREATED_AT };
      await fill(
        [{ _id: 'k1', apiKey: 'secret of k1' }, keyOf('b2')],
        [backupOf('b1', used), backupOf('b2', used), backupOf('b3', used), { _id: 'b4', apiKey: 'x', isUsed: false }],
        [{ _id: new ObjectId(), proxyId: 'p1', [service.keyField]: 'k1' }, bindingOf('p2', 'b2')],
      );
      await rotator.ensureIndexes();
      expect(await rotator.rotate('k0')).toEqual({ kind: 'already-rotated', keyId: 'k0', replacement: 'b2' });
      expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b4' });
      expect((await readPool()).bindings).toMatchObject([{ [service.keyField]: 'b4' }, { [service.keyField]: 'b2' }]);
    });

    test('other names of collections and fields are used throughout', async () => {
      const names = { keys: 'troll_keys', backups: 'troll_backups', bindings: 'troll_bindings' };
      const trolls = createRotator(db, definePool({ ...pool, collections: names, bindingKeyField: 'trollKeyId' }));
      await trolls.ensureIndexes();
      await db.collection('troll_keys').insertOne(keyOf('k1'));
      await db.collection('troll_backups').insertOne(backupOf('b1'));
      await db.collection('troll_bindings').insertOne({ proxyId: 'p1', trollKeyId: 'k1' });
      expect(await trolls.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
      expect(await read('troll_bindings')).toMatchObject([{ proxyId: 'p1', trollKeyId: 'b1' }]);
      expect(await trolls.bind({ proxyId: 'p2', keyId: 'k1' })).toEqual({ kind: 'bound', keyId: 'b1' });
      await db.collection('troll_bindings').insertOne({ proxyId: 'p3', trollKeyId: 'k1' });
      expect(await trolls.sweep()).toEqual({ moved: 1, unresolved: [] });
      expect(await readPool()).toEqual({ keys: [], backups: [], bindings: [] });
    });
  });
});
