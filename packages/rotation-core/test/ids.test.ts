import { Binary, ObjectId, UUID, type Document } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRotator, definePool, type BackupDocument, type KeyId, type Pool, type Rotator } from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { backup, binding, key } from './support/documents.ts';
import { DRIVERS, type ForeignDb } from './support/drivers.ts';
import { rejection } from './support/outcomes.ts';
import { archivingPool, deletingPool, keepingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

/*
 * Ids of MongoDB's own kinds, in every place where a rotation reads or writes one. Red while ids are strings everywhere: a backup with an
 * ObjectId is no stock, and a key with one is not found.
 */
const database = await openTestDatabase('ids');
const { db } = database;
afterAll(() => database.close());

const hexOf = (name: string, digits: number): string => Buffer.from(name).toString('hex').padEnd(digits, '0');

/** One id for each name, in the order of the names. */
const ID_OF = {
  objectId: (name: string): KeyId => new ObjectId(hexOf(name, 24)),
  uuid: (name: string): KeyId => new UUID(Buffer.from(hexOf(name, 32), 'hex')),
} as const;

const textOf = (id: KeyId): string => (typeof id === 'string' ? id : id.toHexString());

/** As `value`, with ids that can be compared, whatever copy of the driver they are from. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if ('_bsontype' in value) return `${String(value._bsontype)} ${textOf(value as unknown as KeyId)}`;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]));
}

const all = (name: string): Promise<Document[]> => db.collection(name).find().sort({ _id: 1 }).toArray();

async function put(documents: Readonly<Record<string, readonly Document[]>>): Promise<void> {
  for (const name of ['keys', 'backups', 'bindings', 'archive']) await db.collection(name).deleteMany({});
  for (const [name, each] of Object.entries(documents))
    await db.collection(name).insertMany([...each], { writeConcern: { w: 'majority' } });
}

const KINDS = Object.keys(ID_OF) as (keyof typeof ID_OF)[];
/** Our own copy of the driver, and two with another version of BSON. */
const SERVICES = Object.entries(DRIVERS).filter(([name]) =>
  ['mongodb 7.9', 'mongodb 6.9', 'mongoose 8'].includes(name),
);

describe.each(KINDS.flatMap((kind) => SERVICES.map(([name, open]) => [kind, name, open] as const)))(
  '%s, %s',
  (kind, _name, openService) => {
    const idOf = ID_OF[kind];
    const id = (each: string): string => untyped(idOf(each));
    let service: ForeignDb;
    beforeAll(async () => {
      service = await openService(database.name);
      await db.dropDatabase();
      await createRotator(db, pools.deleting).ensureIndexes();
      return () => service[Symbol.asyncDispose]();
    });
    const withKind = (pool: Pool): Pool<typeof kind> =>
      definePool({ ...pool, idKind: kind, replacedKeyField: 'replacedKey' });
    const pools = {
      deleting: withKind(deletingPool),
      archiving: withKind(archivingPool),
      recording: withKind({
        ...deletingPool,
        retirement: { kind: 'delete', archive: { collection: 'archive', deletedBy: 'a service' } },
      }),
      keeping: withKind(keepingPool),
      braked: withKind({ ...deletingPool, brake: { maxRotations: 2, perMs: 60_000 } }),
    };
    const open = (pool: Pool<typeof kind>): Rotator<KeyId> => createRotator<KeyId>(service.db, pool);

    test.each(Object.values(pools))(
      'a chain of rotations, and late callers ($name, $retirement.kind)',
      async (pool) => {
        await put({
          keys: [key(id('k1'))],
          backups: ['b1', 'b2'].map((each) => backup(id(each))),
          bindings: [binding('p1', id('k1')), binding('p2', untyped([id('k0'), id('k1')]))],
        });
        const rotator = open(pool);
        const first = await rotator.rotate(idOf('k1'));
        expect(first).toMatchObject({ kind: 'rotated', keyId: idOf('k1') });
        if (first.kind !== 'rotated') throw new TypeError('unreachable');
        const [next] = ['b1', 'b2'].filter((each) => textOf(idOf(each)) !== textOf(first.replacement));
        expect(textOf(first.replacement)).toMatch(/^62/);
        expect(plain((await all('bindings')).map(({ keyId }) => keyId as unknown))).toEqual(
          plain([first.replacement, [idOf('k0'), first.replacement]]),
        );
        expect(plain(await rotator.findRotation(first.rotationId))).toEqual(
          plain({ keyId: idOf('k1'), replacement: first.replacement }),
        );

        // By its text, and by what the driver gave.
        const second = await rotator.rotate(textOf(first.replacement));
        expect(second).toMatchObject({ kind: 'rotated', keyId: textOf(first.replacement) });
        const end = idOf(next ?? '');
        for (const late of [idOf('k1'), textOf(idOf('k1')), first.replacement])
          expect(plain(await rotator.rotate(late))).toEqual(
            plain({ kind: 'already-rotated', keyId: late, replacement: end }),
          );
        expect(await rotator.rotate(end)).toMatchObject({
          kind: pool === pools.braked ? 'held-back' : 'no-backup',
          keyId: end,
        });

        // The used backups are deleted: the key at the end names its predecessors.
        const claims = await all('backups');
        expect(plain(claims.map(({ usedFor }) => usedFor as unknown))).toEqual(
          plain(textOf(end) === textOf(idOf('b2')) ? [idOf('k1'), idOf('b1')] : [idOf('b2'), idOf('k1')]),
        );
        const [live] = (await all('keys')).filter(({ replacedBy }) => replacedBy === undefined);
        expect(plain({ _id: live?.['_id'], replacedKey: live?.['replacedKey'] })).toEqual(
          plain({ _id: end, replacedKey: first.replacement }),
        );
        await db.collection('backups').deleteMany({}, { writeConcern: { w: 'majority' } });
        expect(plain(await rotator.rotate(idOf('k1')))).toMatchObject(
          plain({ kind: 'already-rotated', replacement: end }) as object,
        );
        expect(plain(await rotator.findRotation(first.rotationId))).toEqual(
          plain({ keyId: idOf('k1'), replacement: first.replacement }),
        );
        const retired =
          pool === pools.keeping
            ? (await all('keys')).filter(({ replacedBy }) => replacedBy !== undefined).map(({ _id }) => _id)
            : (await all('archive')).map(({ _id, sourceId }) => (sourceId as unknown) ?? _id);
        const isKept = pool.retirement.kind === 'keep' || pool.retirement.archive !== undefined;
        expect(new Set(retired.map((each) => textOf(each as KeyId)))).toEqual(
          new Set(isKept ? [textOf(idOf('k1')), textOf(first.replacement)] : []),
        );
      },
    );

    test('bind, sweep and restoreBackup', async () => {
      await put({ keys: [key(id('k1'))], backups: [backup(id('b1'))] });
      const rotator = open(pools.deleting);
      expect(plain(await rotator.bind({ proxyId: 'p1', keyId: textOf(idOf('k1')) }))).toEqual(
        plain({ kind: 'bound', keyId: idOf('k1') }),
      );
      expect(await rotator.bind({ proxyId: 'p1', keyId: idOf('k1') })).toMatchObject({ kind: 'already-bound' });
      expect(await rotator.rotate(idOf('k1'))).toMatchObject({ kind: 'rotated' });
      await db.collection('bindings').insertMany([binding('p2', id('k1')), binding('p3', id('k9'))]);
      expect(plain(await rotator.sweep())).toEqual(plain({ moved: 1, unresolved: [idOf('k9')] }));
      const bindings = await db.collection('bindings').find().sort({ proxyId: 1 }).toArray();
      expect(plain(bindings.map(({ keyId }) => keyId as unknown))).toEqual(plain([idOf('b1'), idOf('b1'), idOf('k9')]));
      expect(await rotator.restoreBackup(idOf('b1'))).toEqual({ kind: 'live-key' });
      await db.collection('keys').deleteMany({});
      expect(await rotator.restoreBackup(textOf(idOf('b1')))).toEqual({ kind: 'restored' });
    });

    // Red where a proxy's id must be a string.
    test("bind takes a proxy's id of this kind, whatever the kind of the keys is", async () => {
      const proxyId = idOf('p1');
      for (const [pool, keyId] of [
        [deletingPool, 'k1'],
        [pools.deleting, idOf('k1')],
      ] as const) {
        await put({ keys: [key(untyped(keyId))] });
        const rotator = createRotator<KeyId>(service.db, pool);
        expect(await rotator.bind({ proxyId, keyId })).toMatchObject({ kind: 'bound' });
        expect(await rotator.bind({ proxyId, keyId })).toMatchObject({ kind: 'already-bound' });
        expect(plain(await all('bindings'))).toMatchObject([plain({ proxyId, keyId, isActive: true })]);
      }
    });

    test('handleFailure: a cool-down, a rotation, and a mark', async () => {
      await put({ keys: [key(id('k1'))], backups: [backup(id('b1'))] });
      const rotator = open(pools.deleting);
      const failed = (await all('keys'))[0] as { _id: KeyId };
      expect(await rotator.handleFailure(failed, { status: 429 })).toMatchObject({
        kind: 'cooling-down',
        keyId: idOf('k1'),
      });
      expect(plain(await rotator.handleFailure(failed, { status: 401 }))).toMatchObject(
        plain({ kind: 'rotated', keyId: idOf('k1'), replacement: idOf('b1') }) as object,
      );
      const next = (await all('keys'))[0] as { _id: KeyId; incarnation: string };
      expect(await rotator.handleFailure(next, { status: 401 })).toMatchObject({ kind: 'marked', keyId: idOf('b1') });
      expect(plain(await rotator.handleFailure(failed, { status: 429 }))).toEqual(
        plain({ kind: 'already-rotated', keyId: idOf('k1'), replacement: idOf('b1') }),
      );
    });

    test('verify gets the documents, and one that it refuses is set aside', async () => {
      await put({ keys: [key(id('k1'))], backups: ['b1', 'b2'].map((each) => backup(id(each))) });
      const seen: string[] = [];
      const verify = (each: Readonly<BackupDocument<KeyId>>) => {
        seen.push(textOf(each._id));
        return textOf(each._id) === textOf(idOf('b1'))
          ? ({ kind: 'unusable', reason: 'revoked' } as const)
          : ({ kind: 'usable' } as const);
      };
      const rotator = createRotatorOf<KeyId>(referenceFlow, service.db, pools.deleting, {
        verify,
        random: () => 0,
      });
      expect(plain(await rotator.rotate(idOf('k1')))).toMatchObject(
        plain({ kind: 'rotated', replacement: idOf('b2') }) as object,
      );
      expect(seen).toEqual(['b1', 'b2'].map((each) => textOf(idOf(each))));
      expect((await all('backups')).map(({ setAsideReason }) => setAsideReason as unknown)).toEqual([
        'revoked',
        undefined,
      ]);
    });

    test('backups with ids of other kinds are no stock', async () => {
      const others = ['b1', 7, ...KINDS.filter((other) => other !== kind).map((other) => ID_OF[other]('b1'))];
      await put({ keys: [key(id('k1'))], backups: others.map((other) => backup(untyped(other))) });
      expect(await open(pools.deleting).rotate(idOf('k1'))).toMatchObject({ kind: 'no-backup' });
    });

    test('an id of another kind is refused, with the way to mend it', async () => {
      const [other = kind] = KINDS.filter((each) => each !== kind);
      const wrong = await rejection(open(pools.deleting).rotate(ID_OF[other]('k1')), 'invalid-argument');
      expect(wrong.message).toContain(`set idKind: '${other}'`);
      expect((await rejection(open(pools.deleting).rotate('k1'), 'invalid-argument')).message).toContain('keyId');
      const undeclared = await rejection(createRotator<KeyId>(db, deletingPool).rotate(idOf('k1')), 'invalid-argument');
      expect(undeclared.message).toContain(`set idKind: '${kind}' in the pool`);
    });

    test('checkIndexes says that the keys have ids of another kind', async () => {
      await put({ keys: [key(id('k1'))] });
      const error = await rejection(createRotator(db, deletingPool).checkIndexes(), 'invalid-argument');
      expect(error.message).toBe(`Pool deleting: the ids in keys._id are of the kind ${kind}: set idKind: '${kind}'`);
      await put({ keys: [key('k1')], bindings: [binding('p1', id('k1'))] });
      const unbound = await rejection(createRotator(db, deletingPool).checkIndexes(), 'invalid-argument');
      expect(unbound.message).toContain(`the ids in bindings.keyId are of the kind ${kind}`);
      await put({ keys: [key(id('k1'))] });
      expect(await open(pools.deleting).checkIndexes()).toEqual([]);
    });
  },
);

describe('other forms of an id', () => {
  const pool = definePool({ ...deletingPool, idKind: 'uuid' });
  const rotator = createRotator(db, pool);
  const k1 = new UUID('01234567-89ab-cdef-0123-456789abcdef');
  const bare = k1.toHexString(false);

  test.each<readonly [string, unknown]>([
    ['a text without dashes', bare],
    ['a text in capitals', k1.toHexString().toUpperCase()],
    ['a Binary', new Binary(k1.buffer, 4)],
    ['bytes, as a client with promoteBuffers reads it', Buffer.from(bare, 'hex')],
  ])('a UUID as %s', async (_title, id) => {
    await put({ keys: [key(untyped(k1))] });
    expect(await rotator.rotate(untyped(id))).toEqual({ kind: 'no-backup', keyId: id });
    expect(await rotator.handleFailure({ ...key(untyped('')), _id: untyped(id) }, { status: 429 })).toMatchObject({
      kind: 'cooling-down',
    });
  });

  test.each<readonly [string, unknown, string]>([
    ['15 bytes', Buffer.alloc(15), 'got 15 bytes'],
    ['a UUID of the legacy kind', new Binary(Buffer.alloc(16), 3), 'got object'],
    ['a text in braces', `{${k1.toHexString()}}`, 'got another text'],
    ['JSON of MongoDB', { $uuid: k1.toHexString() }, 'got Extended JSON ($uuid): pass the text of the id'],
    ['JSON of an ObjectId', { $oid: '66a000000000000000000000' }, 'got Extended JSON ($oid): pass the text of the id'],
  ])('%s is refused', async (_title, id, got) => {
    const { message } = await rejection(rotator.rotate(untyped(id)), 'invalid-argument');
    expect(message).toBe(`Expected keyId to be a UUID, or its text, ${got}`);
  });
});
