import { Decimal128, Double, Int32, Long, type Document, type FindOptions } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, definePool, type UpstreamFailure } from '../src/index.ts';
import { backups, key, seed } from './support/documents.ts';
import { deletingPool } from './support/pools.ts';
import { untyped } from './support/untyped.ts';

/* A key without `incarnation` is known by its createdAt, which services write in many forms, and read in as many. */

const database = await openTestDatabase('created_at');
const { db } = database;
const rotator = createRotator(db, deletingPool);
await rotator.ensureIndexes();
afterAll(() => database.close());

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5);
const RATE_LIMITED: UpstreamFailure = { status: 429 };
const EXHAUSTED: UpstreamFailure = { status: 402 };
const REFUSED: UpstreamFailure = { status: 401, body: 'no' };

const readKey = (options: Reading = {}): Promise<Document | null> => db.collection('keys').findOne({}, options);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

type Reading = FindOptions & { readonly useBigInt64?: boolean };

/** JSON gives no time for a value of BSON's classes, and none at all for a bigint. */
const isPlain = (value: unknown): boolean =>
  typeof value !== 'bigint' && (typeof value !== 'object' || value === null || !('_bsontype' in value));

/** What the database has, and how the service reads it. */
const FORMS: [string, unknown, Reading?][] = [
  ['a date', new Date(TIME)],
  ['seconds', new Int32(TIME / 1_000)],
  ['seconds with a fraction', new Double(TIME / 1_000 + 0.5)],
  ['milliseconds with a fraction', new Double(TIME + 0.5)],
  ['milliseconds', Long.fromNumber(TIME)],
  ['milliseconds, read as a Long', Long.fromNumber(TIME), { promoteLongs: false }],
  ['milliseconds, read as a bigint', Long.fromNumber(TIME), { useBigInt64: true }],
  ['seconds, read as an Int32', new Int32(TIME / 1_000), { promoteValues: false }],
  ['a decimal number', Decimal128.fromString(String(TIME))],
  ['a text of JSON', new Date(TIME).toISOString()],
  ['a text without a zone', '2026-01-02 03:04:05'],
  ['a text without a zone, with a T', '2026-01-02T03:04:05'],
  ['an American date', '1/2/2026'],
  ['words', 'yesterday'],
  ['an empty text', ''],
  ['a list', []],
  ['null', null],
];

/** Runs in a zone in which a text without one means another time than on the server. */
async function inZone(zone: string, run: () => Promise<void>): Promise<void> {
  const before = process.env['TZ'];
  process.env['TZ'] = zone;
  try {
    await run();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

describe.each(['UTC', 'America/New_York'])('in the zone %s', (zone) => {
  describe.each(FORMS)('createdAt is %s', (...[, createdAt, options = {}]) => {
    const put = (): Promise<void> => seed(db, deletingPool, { keys: [key('k1', untyped({ createdAt }))] });

    test('a key rests, and is marked, once', async () =>
      inZone(zone, async () => {
        await put();
        const read = await readKey(options);
        for (const used of [untyped(read), ...(isPlain(read?.['createdAt']) ? [untyped(asJson(read))] : [])]) {
          await put();
          expect(await rotator.handleFailure(used, RATE_LIMITED)).toMatchObject({ kind: 'cooling-down' });
          expect(await readKey()).toMatchObject({ cooldownUntil: expect.any(Date) as Date });
          expect(await rotator.handleFailure(used, EXHAUSTED)).toMatchObject({ kind: 'marked' });
          expect(await readKey()).toMatchObject({ status: 'exhausted' });
          expect(await rotator.handleFailure(used, EXHAUSTED)).toMatchObject({ kind: 'already-marked' });
          await put();
          expect(await rotator.handleFailure(used, REFUSED)).toMatchObject({ kind: 'marked' });
          expect(await readKey()).toMatchObject({ status: 'need_refresh', lastError: 'no' });
        }
      }));

    test('it is rotated, and its late callers are answered', async () =>
      inZone(zone, async () => {
        await put();
        const used = untyped(await readKey(options));
        await db.collection<{ _id: string }>('backups').insertMany(backups(1));
        expect(await rotator.handleFailure(used, REFUSED)).toMatchObject({ kind: 'rotated' });
        for (const failure of [RATE_LIMITED, REFUSED])
          expect(await rotator.handleFailure(used, failure)).toMatchObject({ kind: 'already-rotated' });
      }));
  });
});

test('another time is another incarnation, in whatever form', async () => {
  for (const createdAt of [new Int32(TIME / 1_000), '2026-01-02 03:04:06', new Date(TIME + 1), 'yesterday']) {
    await seed(db, deletingPool, { keys: [key('k1', untyped({ createdAt }))] });
    const before = await readKey();
    for (const failure of [RATE_LIMITED, EXHAUSTED, REFUSED])
      expect(await rotator.handleFailure(key('k1', { createdAt: new Date(TIME) }), failure)).toMatchObject({
        kind: 'other-incarnation',
      });
    expect(await readKey()).toEqual(before);
  }
});

test('in a collection whose collation takes other texts for equal, the key alone is meant', async () => {
  const collections = { ...deletingPool.collections, keys: 'folded_keys' };
  const pool = definePool({ ...deletingPool, collections });
  const folded = await db.createCollection('folded_keys', { collation: { locale: 'en', strength: 2 } });
  await seed(db, pool, { keys: [key('k1')] });
  const outcome = await createRotator(db, pool).handleFailure(key('K1'), RATE_LIMITED);
  expect(outcome).toEqual({ kind: 'not-found', keyId: 'K1' });
  expect(await folded.findOne()).not.toHaveProperty('cooldownUntil');
});

describe('commands', () => {
  test('a date takes one, where the key is live', async () => {
    const own = await database.connect({ monitorCommands: true });
    const sent: string[] = [];
    own.client.on('commandStarted', ({ commandName }) => sent.push(commandName));
    const counted = createRotator(own, deletingPool);
    await seed(db, deletingPool, { keys: [key('k1')] });
    await counted.handleFailure(key('k1'), RATE_LIMITED);
    sent.length = 0;
    await counted.handleFailure(key('k1'), RATE_LIMITED);
    await counted.handleFailure(untyped(asJson(key('k1'))), RATE_LIMITED);
    expect(sent).toEqual(['findAndModify', 'findAndModify']);
  });
});
