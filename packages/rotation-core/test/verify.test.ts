import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import {
  createRotator,
  definePool,
  type BackupDocument,
  type BackupVerdict,
  type Pool,
  type RotationEvent,
  type Rotator,
  type VerifyBackup,
} from '../src/index.ts';
import { MAX_CANDIDATES } from '../src/flow/verified-backups.ts';
import { createRotatorOf, referenceFlow, type TestingOptions } from '../src/testing.ts';
import { recordCommands } from './support/command-log.ts';
import { backup, backups, binding, idsOf, key, readState, seed, SECRET_MARK, usedOf } from './support/documents.ts';
import { asRotated, countKinds } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';
import { untyped } from './support/untyped.ts';

/* A service that asks its upstream whether a backup works, before the backup is claimed. */

const database = await openTestDatabase('verify');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const USABLE: BackupVerdict = { kind: 'usable' };
const REFUSED: BackupVerdict = { kind: 'unusable', reason: 'No such key' };
const backupDocuments = db.collection<BackupDocument>('backups');

interface Verifying {
  readonly rotator: Rotator;
  readonly events: RotationEvent[];
  /** The ids of the backups that were verified, in the order of the calls. */
  readonly asked: string[];
}

/** A rotator whose choice of backups is the first in the order of ids. */
function openVerifying(pool: Pool, verify: VerifyBackup, options: TestingOptions = {}): Verifying {
  const events: RotationEvent[] = [];
  const asked: string[] = [];
  const rotator = createRotatorOf(referenceFlow, db, pool, {
    random: () => 0,
    onEvent: (event) => events.push(event),
    ...options,
    verify: (candidate, surroundings) => {
      asked.push(candidate._id);
      return verify(candidate, surroundings);
    },
  });
  return { rotator, events, asked };
}

/** Refuses these backups, and no others. */
const refusing =
  (...ids: readonly string[]): VerifyBackup =>
  ({ _id }) =>
    ids.includes(_id) ? REFUSED : USABLE;

const typesOf = (events: readonly RotationEvent[]): string[] => events.map(({ type }) => type);

describe.each([deletingPool, keepingPool])('a backup that is refused ($name)', (pool) => {
  test('is set aside with the reason, and another one takes the place', async () => {
    const { rotator, events, asked } = openVerifying(pool, refusing('b1'));
    await seed(db, pool, { keys: [key('k1')], backups: backups(3), bindings: [binding('p1', 'k1')] });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
    const state = await readState(db, pool);
    expect(state.backups[0]).toEqual(
      backup('b1', { setAsideAt: expect.any(Date) as Date, setAsideReason: 'No such key' }),
    );
    expect(idsOf(usedOf(state))).toEqual(['b2']);
    expect(state.bindings.map(({ keyId }) => keyId)).toEqual(['b2']);
    expect(asked).toEqual(['b1', 'b2']);
    expect(events).toContainEqual({
      type: 'backup-set-aside',
      pool: pool.name,
      backupId: 'b1',
      reason: 'No such key',
    });
  });

  test('is passed over by every process, with and without verify', async () => {
    await seed(db, pool, {
      keys: [key('k1'), key('k2')],
      backups: [backup('b1', { setAsideAt: new Date() }), backup('b2')],
    });
    const plain = createRotatorOf(referenceFlow, await database.connect(), pool, { random: () => 0 });
    expect(asRotated(await plain.rotate('k1')).replacement).toBe('b2');
    expect(await plain.rotate('k2')).toEqual({ kind: 'no-backup', keyId: 'k2' });
    const { rotator, asked } = openVerifying(pool, () => USABLE);
    expect(await rotator.rotate('k2')).toEqual({ kind: 'no-backup', keyId: 'k2' });
    expect(asked).toEqual([]);
  });

  test('where all are refused there is no backup; restoreBackup frees one, which is verified again', async () => {
    const bad = ['b1', 'b2'];
    const { rotator, asked } = openVerifying(pool, ({ _id }) => (bad.includes(_id) ? REFUSED : USABLE));
    await seed(db, pool, { keys: [key('k1')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'restored' });
    const { usedAt: _at, usedFor: _for, ...restored } = backup('b1');
    expect((await readState(db, pool)).backups[0]).toEqual(restored);
    expect(await rotator.restoreBackup('b1')).toEqual({ kind: 'already-free' });
    bad.shift();
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
    expect(asked).toEqual(['b1', 'b2', 'b1']);
  });
});

test('a new key has nothing of the time when its backup was set aside', async () => {
  await seed(db, deletingPool, {
    keys: [key('k1')],
    backups: [backup('b1', { setAsideAt: null, setAsideReason: 'old' })],
  });
  await createRotator(db, deletingPool).rotate('k1');
  const [installed] = (await readState(db, deletingPool)).keys;
  expect(installed).not.toHaveProperty('setAsideAt');
  expect(installed).not.toHaveProperty('setAsideReason');
});

test('the fields are data of the pool', async () => {
  const pool = definePool({ ...deletingPool, setAsideFields: { at: 'brokenSince', reason: 'why' } });
  const { rotator } = openVerifying(pool, refusing('b1'));
  await seed(db, pool, { keys: [key('k1')], backups: backups(2) });
  expect(await rotator.rotate('k1')).toMatchObject({ replacement: 'b2' });
  expect((await readState(db, pool)).backups[0]).toMatchObject({
    brokenSince: expect.any(Date) as Date,
    why: 'No such key',
  });
});

test('an order of the pool is kept: the first that is usable', async () => {
  const pool = definePool({ ...deletingPool, order: { price: 1 } });
  const stock = [
    backup('b1', { price: 3 }),
    backup('b2', { price: 1 }),
    backup('b3', { price: 4 }),
    backup('b4', { price: 2 }),
  ];
  const { rotator, asked } = openVerifying(pool, refusing('b2'));
  await seed(db, pool, { keys: [key('k1'), key('k2')], backups: stock });
  expect(await rotator.rotate('k1')).toMatchObject({ replacement: 'b4' });
  expect(await rotator.rotate('k2')).toMatchObject({ replacement: 'b1' });
  expect(asked).toEqual(['b2', 'b4', 'b1']);
});

describe('what is stored and told', () => {
  test('is on one line, cut, and without credentials', async () => {
    const said = `bad key ${SECRET_MARK}-backup-b1\nBearer abc1.def ${'x y '.repeat(1_000)}`;
    const { rotator, events } = openVerifying(deletingPool, ({ _id }) =>
      _id === 'b1' ? { kind: 'unusable', reason: said } : USABLE,
    );
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    await rotator.rotate('k1');
    const [first] = (await readState(db, deletingPool)).backups;
    const reason = String((first as unknown as Record<string, unknown>)['setAsideReason']);
    expect(reason).toMatch(/^bad key \[redacted\] Bearer \[redacted\] x y/);
    expect(reason.length).toBeLessThanOrEqual(500);
    expectNoSecret(reason);
    expectNoSecret(events);
  });

  test('of an error that verify throws as well', async () => {
    const { rotator, events } = openVerifying(deletingPool, ({ _id, apiKey }) => {
      if (_id === 'b1') throw new TypeError(`no answer for ${apiKey}`);
      return USABLE;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    await rotator.rotate('k1');
    expect(events).toContainEqual({
      type: 'backup-unverified',
      pool: 'deleting',
      backupId: 'b1',
      error: 'TypeError: no answer for [redacted]',
    });
    expectNoSecret(events);
  });
});

describe('commands', () => {
  const transactional = ['find', 'update', 'delete', 'commitTransaction', 'abortTransaction'];

  async function commandsOf(options: TestingOptions): Promise<readonly (readonly string[])[]> {
    await seed(db, deletingPool, { keys: [key('k1'), key('k2'), key('k3')], backups: backups(3) });
    const own = await database.connect({ monitorCommands: true });
    const log = recordCommands(own);
    const rotator = createRotatorOf(referenceFlow, own, deletingPool, { random: () => 0, ...options });
    const rounds: string[][] = [];
    for (const id of ['k1', 'k2', 'k3']) {
      log.length = 0;
      asRotated(await rotator.rotate(id));
      rounds.push(log.map(({ commandName }) => commandName).filter((name) => transactional.includes(name)));
    }
    return rounds;
  }
  const CLAIM = ['find', 'find', 'find', 'delete', 'update', 'find', 'update', 'update', 'commitTransaction'];
  const LOOK = ['find', 'find', 'find', 'find', 'commitTransaction'];

  test('without verify there are nine', async () => {
    expect(await commandsOf({})).toEqual([CLAIM, CLAIM, CLAIM]);
  });

  test('with verify five more where the backup is not verified yet', async () => {
    expect(await commandsOf({ verify: () => USABLE })).toEqual(['k1', 'k2', 'k3'].map(() => [...LOOK, ...CLAIM]));
  });

  test('no transaction is open while verify runs, and callers that need no backup wait for none', async () => {
    const open: unknown[] = [];
    const { rotator, asked } = openVerifying(deletingPool, async () => {
      const found = await db.client
        .db('admin')
        .aggregate([
          { $currentOp: { allUsers: false, idleSessions: true } },
          { $match: { appName: database.name, transaction: { $exists: true } } },
        ])
        .toArray();
      open.push(...found);
      return USABLE;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3) });
    asRotated(await rotator.rotate('k1'));
    expect(open).toEqual([]);
    const kinds = await Promise.all(['k1', 'k1', 'k9'].map(async (id) => (await rotator.rotate(id)).kind));
    expect(kinds).toEqual(['already-rotated', 'already-rotated', 'not-found']);
    expect(asked).toEqual(['b1']);
  });
});

describe('no verdict', () => {
  const DOWN: VerifyBackup = async () => {
    throw new Error('the upstream is down');
  };

  test('leaves the backup as it is, and another one is tried', async () => {
    const { rotator, events } = openVerifying(deletingPool, async (candidate) =>
      candidate._id === 'b1' ? DOWN(candidate, { signal: AbortSignal.timeout(1) }) : USABLE,
    );
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
    expect((await readState(db, deletingPool)).backups[0]).toEqual(backup('b1'));
    expect(typesOf(events)).toEqual(['backup-unverified', 'retried', 'claimed', 'low-stock', 'rotated']);
  });

  test('on any: busy at the deadline, for there is stock; nothing is changed, and the upstream is not flooded', async () => {
    const { rotator, events, asked } = openVerifying(deletingPool, DOWN, { random: Math.random, deadlineMs: 1_500 });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3), bindings: [binding('p1', 'k1')] });
    const before = await readState(db, deletingPool);
    expect(await rotator.rotate('k1')).toEqual({ kind: 'busy', keyId: 'k1' });
    expect(await readState(db, deletingPool)).toEqual(before);
    // Each of the three once in each second.
    expect(asked.length).toBeGreaterThanOrEqual(3);
    expect(asked.length).toBeLessThanOrEqual(6);
    const busy = events.find(({ type }) => type === 'busy');
    expect(busy).toMatchObject({ reason: 'unverified' });
  });

  test('on any: handleFailure marks nothing', async () => {
    const { rotator } = openVerifying(deletingPool, DOWN, { random: Math.random, deadlineMs: 300 });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
    expect(await rotator.handleFailure(key('k1'), { status: 402 })).toEqual({ kind: 'busy', keyId: 'k1' });
    expect((await readState(db, deletingPool)).keys).toEqual([key('k1')]);
  });

  test.each([
    ['something else', untyped(true)],
    ['nothing', untyped(undefined)],
    ['a refusal without a reason', untyped({ kind: 'unusable' })],
  ])('is also %s', async (_title, verdict) => {
    const { rotator, events } = openVerifying(deletingPool, ({ _id }) => (_id === 'b1' ? verdict : USABLE));
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toMatchObject({ replacement: 'b2' });
    expect(events[0]).toMatchObject({ type: 'backup-unverified', error: 'Error: verify returned no verdict' });
  });

  test('is one that comes too late: the signal fires, and what comes then is ignored', async () => {
    const late = Promise.withResolvers<BackupVerdict>();
    const { rotator, events } = openVerifying(
      deletingPool,
      ({ _id }, { signal }) => {
        if (_id !== 'b1') return USABLE;
        signal.addEventListener('abort', () => late.resolve(REFUSED));
        return late.promise;
      },
      { maxVerifyMs: 50 },
    );
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toMatchObject({ replacement: 'b2' });
    await late.promise;
    expect((await readState(db, deletingPool)).backups[0]).toEqual(backup('b1'));
    expect(events[0]).toMatchObject({ error: 'Error: verify gave no verdict within 50 ms' });
  });

  // Red where a rotation waits for the time of a backup that another rotation has tried again meanwhile.
  test('ends: all that wait are rotated once the upstream answers again', async () => {
    const endsAt = performance.now() + 1_200;
    const { rotator, asked } = openVerifying(
      deletingPool,
      async (candidate, surroundings) => (performance.now() < endsAt ? DOWN(candidate, surroundings) : USABLE),
      { random: Math.random, coalesce: false, deadlineMs: 8_000 },
    );
    const ids = Array.from({ length: 6 }, (_, index) => `k${index}`);
    await seed(db, deletingPool, { keys: ids.map((id) => key(id)), backups: backups(6) });
    const outcomes = await Promise.all(ids.map((id) => rotator.rotate(id)));
    expect(countKinds(outcomes)).toEqual({ rotated: 6 });
    expect(asked.length).toBeLessThanOrEqual(60);
  });

  // Red where the deadline counts as passed inside the first transaction: the caller would have to ask findRotation.
  test('before the deadline of the caller: busy, and nothing is claimed afterwards', async () => {
    const verdict = Promise.withResolvers<BackupVerdict>();
    const { rotator, events } = openVerifying(deletingPool, () => verdict.promise, { deadlineMs: 100 });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'busy', keyId: 'k1' });
    expect(events).toContainEqual(expect.objectContaining({ type: 'busy', reason: 'unverified' }));
    verdict.resolve(USABLE);
    expect(await rotator.rotate('k2', { deadlineMs: 10_000 })).toMatchObject({ kind: 'not-found' });
    expect(usedOf(await readState(db, deletingPool))).toEqual([]);
  });
});

describe('races', () => {
  test('a backup that got another credential after it was verified is verified again', async () => {
    const verified: string[] = [];
    const { rotator, events } = openVerifying(deletingPool, async ({ _id, apiKey }) => {
      verified.push(apiKey);
      if (verified.length === 1) await backupDocuments.updateOne({ _id }, { $set: { apiKey: `${apiKey}-new` } });
      return USABLE;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
    asRotated(await rotator.rotate('k1'));
    const [installed] = (await readState(db, deletingPool)).keys;
    expect(verified).toHaveLength(2);
    expect(installed?.apiKey).toBe(verified[1]);
    expect(events.find(({ type }) => type === 'retried')).toMatchObject({ reason: 'unverified' });
  });

  test('a refusal of a credential that was exchanged meanwhile marks nothing', async () => {
    const { rotator, asked } = openVerifying(deletingPool, async ({ _id, apiKey }) => {
      if (apiKey.endsWith('-new')) return USABLE;
      await backupDocuments.updateOne({ _id }, { $set: { apiKey: `${apiKey}-new` } });
      return REFUSED;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
    expect(asked).toEqual(['b1', 'b1']);
  });

  test('a backup that another process claimed meanwhile is not marked', async () => {
    const other = createRotatorOf(referenceFlow, await database.connect(), deletingPool, { random: () => 0 });
    const { rotator } = openVerifying(deletingPool, async ({ _id }) => {
      if (_id !== 'b1') return USABLE;
      asRotated(await other.rotate('k2'));
      return REFUSED;
    });
    await seed(db, deletingPool, { keys: [key('k1'), key('k2')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
    const [first] = (await readState(db, deletingPool)).backups;
    expect(first).toMatchObject({ isUsed: true, usedFor: 'k2' });
    expect(first).not.toHaveProperty('setAsideAt');
  });

  test('a backup that another process set aside meanwhile is not claimed', async () => {
    const { rotator } = openVerifying(deletingPool, async ({ _id }) => {
      if (_id === 'b1') await backupDocuments.updateOne({ _id }, { $currentDate: { setAsideAt: true } });
      return USABLE;
    });
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2) });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
  });

  test('four processes, forty keys, each third backup bad: each key gets a good one, and nothing is wasted', async () => {
    const ids = Array.from({ length: 40 }, (_, index) => `k${index}`);
    const isBad = (id: string): boolean => Number(id.slice(1)) % 3 === 0;
    await seed(db, deletingPool, {
      keys: ids.map((id) => key(id)),
      backups: backups(70),
      bindings: ids.map((id) => binding(`p-${id}`, id)),
    });
    const verified: string[] = [];
    const services = await Promise.all(
      Array.from({ length: 4 }, async () =>
        createRotator(await database.connect(), deletingPool, {
          verify: ({ _id }) => {
            verified.push(_id);
            return isBad(_id) ? REFUSED : USABLE;
          },
        }),
      ),
    );
    const outcomes = await Promise.all(services.flatMap((service) => ids.map((id) => service.rotate(id))));
    expect(countKinds(outcomes)).toEqual({ rotated: 40, 'already-rotated': 120 });
    const state = await readState(db, deletingPool);
    const used = idsOf(usedOf(state));
    expect(used).toHaveLength(40);
    expect(used.filter(isBad)).toEqual([]);
    expect(new Set(state.bindings.map(({ keyId }) => keyId))).toEqual(new Set(used));
    const aside = state.backups.filter((each) => 'setAsideAt' in each);
    expect(aside.every(({ _id }) => isBad(_id))).toBe(true);
    expect(used.filter((id) => !verified.includes(id))).toEqual([]);
  });
});

test('where the database refuses the mark, the process passes the backup over', async () => {
  await seed(db, deletingPool, { keys: [key('k1'), key('k2')], backups: backups(3) });
  await db.command({ collMod: 'backups', validator: { setAsideAt: { $exists: false } } });
  try {
    const { rotator, events, asked } = openVerifying(deletingPool, refusing('b1'));
    expect(await rotator.rotate('k1')).toMatchObject({ replacement: 'b2' });
    expect(await rotator.rotate('k2')).toMatchObject({ replacement: 'b3' });
    expect(asked).toEqual(['b1', 'b2', 'b3']);
    expect(events[0]).toEqual({ type: 'backup-unusable', pool: 'deleting', backupId: 'b1', why: 'refused' });
  } finally {
    await db.command({ collMod: 'backups', validator: {} });
  }
});

// Red where transactions of one process take what was verified for each other: they conflict, and backups are verified twice.
test('a hundred keys of one process: no usable backup is asked about twice', async () => {
  const ids = Array.from({ length: 100 }, (_, index) => `k${index}`);
  const { rotator, asked } = openVerifying(deletingPool, ({ _id }) => (_id.endsWith('3') ? REFUSED : USABLE), {
    random: Math.random,
    maxBatchSize: 10,
  });
  await seed(db, deletingPool, { keys: ids.map((id) => key(id)), backups: backups(300) });
  const outcomes = await Promise.all(ids.map((id) => rotator.rotate(id)));
  expect(countKinds(outcomes)).toEqual({ rotated: 100 });
  const usable = asked.filter((id) => !id.endsWith('3'));
  expect(new Set(usable).size).toBe(usable.length);
  expect(usable.length).toBeLessThanOrEqual(100 + MAX_CANDIDATES);
});

describe('what was found usable', () => {
  /** Two backups are verified for two keys, of which another process rotates one meanwhile: `b2` stays verified, and free. */
  async function verifyOneTooMany(options: TestingOptions = {}): Promise<Verifying> {
    const other = createRotatorOf(referenceFlow, await database.connect(), deletingPool, { random: () => 0.99 });
    const verifying = openVerifying(
      deletingPool,
      async ({ _id }) => {
        if (_id === 'b2') await other.rotate('k2');
        return USABLE;
      },
      options,
    );
    await seed(db, deletingPool, { keys: ['k1', 'k2', 'k3'].map((id) => key(id)), backups: backups(3) });
    const outcomes = await Promise.all([verifying.rotator.rotate('k1'), verifying.rotator.rotate('k2')]);
    expect(outcomes).toMatchObject([{ replacement: 'b1' }, { kind: 'already-rotated', replacement: 'b3' }]);
    expect(verifying.asked).toEqual(['b1', 'b2']);
    return verifying;
  }

  test('is remembered', async () => {
    const { rotator, asked } = await verifyOneTooMany();
    expect(await rotator.rotate('k3')).toMatchObject({ kind: 'rotated', replacement: 'b2', attempts: 1 });
    expect(asked).toEqual(['b1', 'b2']);
  });

  test('is verified again when it is older than the rotator allows', async () => {
    const maxVerifiedAgeMs = 1_000;
    const { rotator, asked } = await verifyOneTooMany({ maxVerifiedAgeMs });
    await new Promise((resolve) => setTimeout(resolve, maxVerifiedAgeMs));
    expect(await rotator.rotate('k3')).toMatchObject({ replacement: 'b2' });
    expect(asked).toEqual(['b1', 'b2', 'b2']);
  });
});
