import { setTimeout as sleep } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, type AnyDb, type RotationEvent, type Rotator, type RotatorOptions } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import { backup, backups, binding, key, readState, seed, usedOf } from './support/documents.ts';
import { DRIVERS } from './support/drivers.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, countKinds } from './support/outcomes.ts';
import { archivingPool as pool } from './support/pools.ts';
import { expectNoSecret } from './support/secrets.ts';

/*
 * The service's driver is another copy than ours. Red where an error is known by its class: conflicts are thrown at callers, the
 * second ensureIndexes is refused with "already exists", and an error of the server is kept as the cause, with its document.
 */
const database = await openTestDatabase('other_drivers');
const { db } = database;
afterAll(() => database.close());

const ROTATORS = 8;
const KEYS = 20;
const MAX_JITTER_MS = 30;
const keyIds = Array.from({ length: KEYS }, (_, index) => `k${String(index)}`);

describe.each(Object.entries(DRIVERS))('%s', (name, open) => {
  const events: RotationEvent[] = [];
  const rotatorsOn = (other: AnyDb, options: RotatorOptions = {}): Rotator[] =>
    Array.from({ length: ROTATORS }, () =>
      createRotator(other, pool, { ...options, onEvent: (event) => events.push(event) }),
    );
  beforeEach(async () => {
    events.length = 0;
    await createRotator(db, pool).ensureIndexes();
  });

  test('its errors are of another class, but for our own copy', async () => {
    await using service = await open(database.name);
    const error: unknown = await service.command({ none: 1 }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ codeName: 'CommandNotFound' });
    expect(error instanceof MongoError).toBe(name === 'mongodb 7.9');
  });

  test('each of 8 rotators rotates 20 keys with jitter: no call throws', async () => {
    await using service = await open(database.name);
    await seed(db, pool, { keys: keyIds.map((id) => key(id)), backups: backups(2 * KEYS) });
    const calls = rotatorsOn(service.db).flatMap((rotator) =>
      keyIds.map(async (keyId, index) => {
        await sleep((index * 7) % MAX_JITTER_MS);
        return await rotator.rotate(keyId, { deadlineMs: 60_000 });
      }),
    );
    expect(countKinds(await Promise.all(calls))).toEqual({ rotated: KEYS, 'already-rotated': (ROTATORS - 1) * KEYS });
    expect(usedOf(await readState(db, pool))).toHaveLength(KEYS);
    expect(events.filter(({ type }) => type === 'retried').length).toBeGreaterThan(0);
  });

  test('8 concurrent binds add one binding', async () => {
    await using service = await open(database.name);
    await seed(db, pool, { keys: [key('k1')] });
    const bound = await Promise.all(rotatorsOn(service.db).map((each) => each.bind({ proxyId: 'p1', keyId: 'k1' })));
    expect(bound.filter(({ kind }) => kind === 'bound')).toHaveLength(1);
    expect((await readState(db, pool)).bindings).toHaveLength(1);
  });

  test('400 callers of 50 keys share 20 backups', async () => {
    await using service = await open(database.name);
    const ids = Array.from({ length: 50 }, (_, index) => `k${String(index)}`);
    await seed(db, pool, { keys: ids.map((id) => key(id)), backups: backups(20) });
    const calls = rotatorsOn(service.db).flatMap((rotator) =>
      ids.map((id) => rotator.rotate(id, { deadlineMs: 60_000 })),
    );
    const kinds = countKinds(await Promise.all(calls));
    expect(kinds).toMatchObject({ rotated: 20, 'no-backup': 30 * ROTATORS, 'already-rotated': 20 * (ROTATORS - 1) });
  });

  test('ensureIndexes passes twice, also at once', async () => {
    await using service = await open(database.name);
    await db.dropDatabase();
    const [first, ...others] = rotatorsOn(service.db);
    await Promise.all(others.map((rotator) => rotator.ensureIndexes()));
    await first?.ensureIndexes();
    expect(await first?.checkIndexes()).toEqual([]);
  });

  test('a backup that a unique index on the apiKey refuses is passed over without a word of it', async () => {
    await using service = await open(database.name);
    const twin = key('twin');
    await seed(db, pool, { keys: [key('k1'), twin], backups: [backup('b1', { apiKey: twin.apiKey })] });
    await db.collection('keys').createIndex({ apiKey: 1 }, { unique: true });
    try {
      const rotator = createRotator(service.db, pool, { onEvent: (event) => events.push(event) });
      expect(await rotator.rotate('k1')).toEqual({ kind: 'no-backup', keyId: 'k1' });
      expect(events).toContainEqual({ type: 'backup-unusable', pool: pool.name, backupId: 'b1', why: 'duplicate' });
      expectNoSecret(events);
    } finally {
      await db.collection('keys').dropIndex('apiKey_1');
    }
  });

  // Red where the driver does not let the session be named: the rotation is `busy` then.
  test('a rotation that a client left open is known by its session, and ended', async () => {
    await using service = await open(database.name);
    await seed(db, pool, { keys: [key('k1')], backups: backups(2), bindings: [binding('p1', 'k1')] });
    const gate = createGate();
    const held = createRotatorOf(flowWithBefore('moveBindings', gate.pass), service.db, pool).rotate('k1');
    await gate.reached;
    const [rotator] = rotatorsOn(service.db, { endAbandonedAfterMs: 1_000 });
    const outcome = await rotator?.rotate('k1');
    expect(asRotated(outcome).attempts).toBeGreaterThan(1);
    expect(events).toContainEqual({ type: 'abandoned-ended', pool: pool.name, transactions: 1 });
    gate.open();
    expect(await held).toMatchObject({ kind: 'already-rotated' });
  });
});
