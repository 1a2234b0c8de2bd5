import {
  Binary,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  ObjectId,
  Timestamp,
  type Document,
} from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createRotator,
  definePool,
  type BackupVerdict,
  type Pool,
  type RotationEvent,
  type Rotator,
  type VerifyBackup,
} from '../src/index.ts';
import { createRotatorOf, referenceFlow, type TestingOptions } from '../src/testing.ts';
import { backup, backups, binding, key, readState, seed } from './support/documents.ts';
import { asRotated, countKinds } from './support/outcomes.ts';
import { deletingPool } from './support/pools.ts';

/* `verify` in services whose backups hold anything, and whose upstream is slow. */

const database = await openTestDatabase('verify_any_data');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const USABLE: BackupVerdict = { kind: 'usable' };
const REFUSED: BackupVerdict = { kind: 'unusable', reason: 'No such key' };

interface Verifying {
  readonly rotator: Rotator;
  readonly events: RotationEvent[];
  /** The ids of the backups that were verified, in the order of the calls. */
  readonly asked: string[];
}

function openVerifying(pool: Pool, verify: VerifyBackup, options: TestingOptions = {}): Verifying {
  const events: RotationEvent[] = [];
  const asked: string[] = [];
  const rotator = createRotatorOf(referenceFlow, db, pool, {
    deadlineMs: 3_000,
    onEvent: (event) => events.push(event),
    ...options,
    verify: (candidate, surroundings) => {
      asked.push(candidate._id);
      return verify(candidate, surroundings);
    },
  });
  return { rotator, events, asked };
}

const seedOne = (pool: Pool, more: Document): Promise<void> =>
  seed(db, pool, { keys: [key('k1')], backups: [backup('b1', more)], bindings: [binding('p1', 'k1')] });

describe('a usable backup is claimed after one verification', () => {
  // Red where a value is read in another form inside the claim than before it.
  test.each<readonly [string, unknown]>([
    ['a regular expression', /^gpt-4/i],
    ['a symbol', new BSONSymbol('a text of old')],
    ['numbers', [new Int32(1), new Double(1.5), Long.fromNumber(2 ** 60), Decimal128.fromString('1.5')]],
    ['code', new Code('() => 1', { a: 'text' })],
    ['a reference', new DBRef('providers', new ObjectId(), 'other')],
    ['a timestamp and a bound', [new Timestamp({ t: 1, i: 2 }), new MaxKey()]],
    ['bytes', [Buffer.from('bytes'), new Binary(Buffer.from('encrypted'), 6), new Binary(Buffer.alloc(16, 7), 4)]],
    ['documents in a list', [{ models: ['a', /b/, { c: new Date(0) }] }, null, true]],
  ])('that holds %s', async (_title, value) => {
    const { rotator, asked } = openVerifying(deletingPool, () => USABLE);
    await seedOne(deletingPool, { value, nested: { value } });
    expect(asRotated(await rotator.rotate('k1')).attempts).toBe(2);
    expect(asked).toEqual(['b1']);
  });

  // Red where only whole fields count as marks.
  test.each<readonly [string, Document]>([
    ['that is there', { meta: { state: 'new' } }],
    ['whose document is not there', {}],
  ])('of a pool that marks a nested field, %s', async (_title, more) => {
    const pool = definePool({ ...deletingPool, usedBackup: { 'meta.state': 'used', 'meta.by': 'rotation' } });
    const { rotator, asked } = openVerifying(pool, () => USABLE);
    await seedOne(pool, more);
    asRotated(await rotator.rotate('k1'));
    expect(asked).toEqual(['b1']);
    expect((await readState(db, pool)).backups[0]).toMatchObject({ meta: { state: 'used', by: 'rotation' } });
  });

  // Red where what was verified is what verify made of the document.
  test('by a verify that decrypts it in place', async () => {
    const { rotator, asked } = openVerifying(deletingPool, (candidate: { apiKey: string; nested?: unknown }) => {
      candidate.apiKey = `decrypted ${candidate.apiKey}`;
      Object.assign(candidate.nested as object, { token: 'decrypted' });
      return USABLE;
    });
    await seedOne(deletingPool, { nested: { token: 'encrypted' } });
    asRotated(await rotator.rotate('k1'));
    expect(asked).toEqual(['b1']);
  });
});

test('a backup that verify decrypts in place and refuses is set aside', async () => {
  const { rotator, asked } = openVerifying(deletingPool, (candidate: { apiKey: string }) => {
    candidate.apiKey = `decrypted ${candidate.apiKey}`;
    return REFUSED;
  });
  await seedOne(deletingPool, {});
  expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
  expect(asked).toEqual(['b1']);
});

test.each<readonly [string, Document, Document]>([
  ['a nested text', { credential: { value: 'old' } }, { 'credential.value': 'new' }],
  ['bytes', { credential: Buffer.from('old') }, { credential: Buffer.from('new') }],
])('a credential in %s that is exchanged while it is verified is verified again', async (_title, before, after) => {
  const { rotator, asked } = openVerifying(deletingPool, async () => {
    if (asked.length === 1) await db.collection('backups').updateOne({}, { $set: after });
    return USABLE;
  });
  await seedOne(deletingPool, before);
  asRotated(await rotator.rotate('k1'));
  expect(asked).toEqual(['b1', 'b1']);
});

// Red where a verdict without an effect is asked for again at once: hundreds of times in this time.
test.each([USABLE, REFUSED])(
  'a backup that a service changes all the time does not flood the upstream: $kind',
  async (verdict) => {
    const { rotator, asked } = openVerifying(deletingPool, async () => {
      await db.collection('backups').updateOne({}, { $set: { note: `checked ${String(asked.length)}` } });
      return verdict;
    });
    await seedOne(deletingPool, { note: 'never checked' });
    expect(await rotator.rotate('k1', { deadlineMs: 2_500 })).toEqual({ kind: 'busy', keyId: 'k1' });
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(asked.length).toBeLessThanOrEqual(4);
  },
);

describe('while an upstream hangs', () => {
  // Red where a group holds a place of maxTransactions until it has its verdicts: the late callers are busy.
  test.each([20, 2])('callers that need no backup are answered (%i backups)', async (count) => {
    let hangs = false;
    const { rotator, asked } = openVerifying(
      deletingPool,
      async (_candidate, { signal }) => {
        if (hangs)
          await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late'))));
        return USABLE;
      },
      { deadlineMs: 10_000 },
    );
    const ids = Array.from({ length: 12 }, (_, index) => `k${index}`);
    await seed(db, deletingPool, { keys: ids.map((id) => key(id)), backups: backups(count + 1) });
    const { replacement } = asRotated(await rotator.rotate('k0'));
    hangs = true;
    const held: Promise<unknown>[] = [];
    for (const id of ids.slice(1)) {
      held.push(rotator.rotate(id, { deadlineMs: 2_500 }));
      // Each has a transaction of its own, which finds a backup to verify as long as there are some.
      const expected = 1 + Math.min(held.length, count);
      await expect.poll(() => asked.length).toBeGreaterThanOrEqual(expected);
    }
    for (let round = 0; round < 3; round++) {
      const late = await rotator.rotate('k0', { deadlineMs: 2_000 });
      expect(late).toEqual({ kind: 'already-rotated', keyId: 'k0', replacement });
      expect(await rotator.rotate('none', { deadlineMs: 2_000 })).toEqual({ kind: 'not-found', keyId: 'none' });
    }
    const outcomes = (await Promise.all(held)) as never[];
    expect(countKinds(outcomes)).toEqual({ busy: 11 });
  });

  test('a second caller of a key is not held up by the first, which has left', async () => {
    let hangs = true;
    const { rotator } = openVerifying(deletingPool, async (_candidate, { signal }) => {
      if (hangs)
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('late'))));
      return USABLE;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(20) });
    expect(await rotator.rotate('k1', { deadlineMs: 200 })).toMatchObject({ kind: 'busy' });
    hangs = false;
    expect(await rotator.rotate('k1', { deadlineMs: 2_000 })).toMatchObject({ kind: 'rotated' });
  });
});

// Red where only groups with a place of maxTransactions verify: four at once here, and the first 32 never come together.
test('at most 32 backups are verified at once, however many keys wait, and each key gets one', async () => {
  const full = Promise.withResolvers<void>();
  let underWay = 0;
  let most = 0;
  const { rotator } = openVerifying(
    deletingPool,
    async () => {
      most = Math.max(most, ++underWay);
      if (underWay === 32) full.resolve();
      await full.promise;
      await new Promise((resolve) => setTimeout(resolve, 50));
      underWay--;
      return USABLE;
    },
    { maxBatchSize: 1, deadlineMs: 30_000, maxVerifyMs: 20_000 },
  );
  const ids = Array.from({ length: 60 }, (_, index) => `k${index}`);
  await seed(db, deletingPool, { keys: ids.map((id) => key(id)), backups: backups(150) });
  const outcomes = await Promise.all(ids.map((id) => rotator.rotate(id)));
  expect(countKinds(outcomes)).toEqual({ rotated: 60 });
  expect(most).toBe(32);
});

describe('credentials in other fields', () => {
  const TOKEN = 'Q7hfZk29LmXw';

  test.each<readonly [string, Document, string]>([
    ['nested', { credential: { value: TOKEN } }, `credential ${TOKEN} was refused`],
    ['in a list', { credentials: [{ value: TOKEN }] }, `credential ${TOKEN} was refused`],
    ['in a sentence', { note: `the token is ${TOKEN}` }, `credential ${TOKEN} was refused`],
    ['in a URL', { url: `https://user:${TOKEN}@host.example/v1` }, `credential ${TOKEN} was refused`],
    ['in JSON', { blob: JSON.stringify({ private_key: TOKEN }) }, `credential ${TOKEN} was refused`],
    ['in part', { credential: TOKEN }, `credential ${TOKEN.slice(0, 8)} was refused`],
  ])('reach neither the database nor an event: %s', async (_title, more, text) => {
    for (const verdict of ['refused', 'thrown'] as const) {
      const { rotator, events } = openVerifying(deletingPool, () => {
        if (verdict === 'thrown') throw new Error(text);
        return { kind: 'unusable', reason: text };
      });
      await seed(db, deletingPool, { keys: [key('k1')], backups: [backup('b1', more)] });
      await rotator.rotate('k1', { deadlineMs: 300 });
      const [event] = events.filter(({ type }) => type === 'backup-set-aside' || type === 'backup-unverified');
      expect(JSON.stringify(event)).toContain('credential [redacted] was refused');
      expect(JSON.stringify(events)).not.toContain(TOKEN.slice(0, 8));
      expect((await readState(db, deletingPool)).backups[0]).toMatchObject(
        verdict === 'thrown' ? more : { ...more, setAsideReason: 'credential [redacted] was refused' },
      );
    }
  });

  test('names, states, dates and ids can be told', async () => {
    const text = 'anthropic need_refresh 2026-01-02T03:04:05.678Z api.anthropic.com backup-one 1.5: no';
    const { rotator } = openVerifying(deletingPool, () => ({ kind: 'unusable', reason: text }));
    await seed(db, deletingPool, {
      keys: [key('k1')],
      backups: [
        backup('backup-one', {
          apiKey: 'sk-1',
          provider: 'anthropic',
          status: 'need_refresh',
          url: 'https://api.anthropic.com/v1',
          checkedAt: '2026-01-02T03:04:05.678Z',
        }),
      ],
    });
    await rotator.rotate('k1');
    expect((await readState(db, deletingPool)).backups[0]).toMatchObject({ setAsideReason: text });
  });
});
