import { openTestDatabase } from 'test-kit';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { createRotator, type RotationOutcome, type Rotator } from '../src/index.ts';
import { createRotatorOf, referenceFlow } from '../src/testing.ts';
import { backups, binding, idsOf, key, readState, seed, usedOf } from './support/documents.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated, countKinds } from './support/outcomes.ts';
import { archivingPool, deletingPool, keepingPool, sharingPool } from './support/pools.ts';

/*
 * Callers of one key, in one process and in two (two clients). With the lock taken away - retire-keys.ts answering the count
 * without writing - each of these turns red: a second backup is used, or the same key is installed twice.
 */
const database = await openTestDatabase('together');
const { db } = database;
const otherDb = await database.connect();
await createRotator(db, archivingPool).ensureIndexes();
afterAll(() => database.close());

const CALLERS = 12;

describe.each([
  { pool: deletingPool, coalesce: true },
  { pool: deletingPool, coalesce: false },
  { pool: keepingPool, coalesce: true },
  { pool: keepingPool, coalesce: false },
])('callers of one key ($pool.name, coalesce $coalesce)', ({ pool, coalesce }) => {
  beforeEach(() =>
    seed(db, pool, {
      keys: [key('k1'), key('k2')],
      backups: backups(60),
      bindings: [binding('p1', 'k1'), binding('p2', 'k1'), binding('p3', 'k2')],
    }),
  );

  /** What the callers were told and what became of the pool; the replacement that `rotated` named is called `NEW`. */
  async function seen(outcomes: readonly RotationOutcome[]) {
    const { replacement, rotationId } = asRotated(outcomes.find(({ kind }) => kind === 'rotated'));
    const named = (id: unknown): unknown => (id === replacement ? 'NEW' : id);
    const after = await readState(db, pool);
    return {
      counts: countKinds(outcomes),
      told: [...new Set(outcomes.map((outcome) => 'replacement' in outcome && named(outcome.replacement)))],
      used: usedOf(after).map((used) => [named(used._id), used.usedFor, used.rotationId === rotationId]),
      live: after.keys.filter(({ replacedBy }) => replacedBy === undefined).map(({ _id }) => named(_id)),
      bindings: after.bindings.map(({ proxyId, keyId }) => [proxyId, named(keyId)]),
    };
  }

  const oneRotation = (callers: number) => ({
    counts: { rotated: 1, 'already-rotated': callers - 1 },
    told: ['NEW'],
    used: [['NEW', 'k1', true]],
    live: ['NEW', 'k2'],
    bindings: [
      ['p1', 'NEW'],
      ['p2', 'NEW'],
      ['p3', 'k2'],
    ],
  });

  test('in one process: one is rotated, all others learn the same replacement', async () => {
    const rotator = createRotatorOf(referenceFlow, db, pool, { coalesce });
    const outcomes = await Promise.all(Array.from({ length: CALLERS }, () => rotator.rotate('k1')));
    expect(await seen(outcomes)).toEqual(oneRotation(CALLERS));
  });

  test('in two processes', async () => {
    const rotators = [
      createRotatorOf(referenceFlow, db, pool, { coalesce }),
      createRotatorOf(referenceFlow, otherDb, pool, { coalesce }),
    ];
    const calls = Array.from({ length: CALLERS }, () => rotators.map((rotator) => rotator.rotate('k1')));
    expect(await seen(await Promise.all(calls.flat()))).toEqual(oneRotation(2 * CALLERS));
  });

  test('that come one after the other', async () => {
    const rotator = createRotatorOf(referenceFlow, db, pool, { coalesce });
    const outcomes: RotationOutcome[] = [];
    for (let call = 0; call < 3; call++) outcomes.push(await rotator.rotate('k1'));
    expect(await seen(outcomes)).toEqual(oneRotation(3));
  });

  // Red with the lock taken away, and with a first transaction that reads outside its session.
  test('when the other process read the key before this one retired it', async () => {
    const gate = createGate();
    const slow = createRotatorOf(flowWithBefore('retireKeys', gate.pass), otherDb, pool, { coalesce });
    const slowOutcome = slow.rotate('k1');
    await gate.reached;
    const fastOutcome = await createRotatorOf(referenceFlow, db, pool, { coalesce }).rotate('k1');
    asRotated(fastOutcome);
    gate.open();
    expect(await seen([fastOutcome, await slowOutcome])).toEqual(oneRotation(2));
  });

  // Red with the claim outside the transaction, where its filter does not ask for isUsed: the snapshot alone would do.
  test('that meet another key at one backup both get one', async () => {
    const onlyFirst = { coalesce, random: () => 0 };
    const gate = createGate();
    const holder = createRotatorOf(flowWithBefore('readClaimedBackups', gate.pass), otherDb, pool, onlyFirst);
    const held = holder.rotate('k1');
    await gate.reached;
    const conflicts = Promise.withResolvers<void>();
    const late = createRotatorOf(referenceFlow, db, pool, {
      ...onlyFirst,
      onEvent: ({ type }) => {
        if (type === 'retried') conflicts.resolve();
      },
    }).rotate('k2');
    await conflicts.promise;
    gate.open();
    const [first, second] = [asRotated(await held), asRotated(await late)];
    expect([first.replacement, second.replacement]).toEqual(['b1', 'b10']);
    expect(idsOf(usedOf(await readState(db, pool)))).toEqual(['b1', 'b10']);
  });
});

describe('a deleting and a keeping service on the same collections', () => {
  // Red where either of them takes a kept key for a live one (isLive without replacedBy: the kept-key flow).
  test.each([
    ['the deleting one first', sharingPool, keepingPool],
    ['the keeping one first', keepingPool, sharingPool],
  ])('one after the other: %s', async (_title, firstPool, secondPool) => {
    await seed(db, firstPool, { keys: [key('k1')], backups: backups(3), bindings: [binding('p1', 'k1')] });
    const first = asRotated(await createRotator(db, firstPool).rotate('k1'));
    const second = await createRotator(otherDb, secondPool).rotate('k1');
    expect(second).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: first.replacement });
    expect(idsOf(usedOf(await readState(db, firstPool)))).toEqual([first.replacement]);
  });

  test('at once: one rotation for both', async () => {
    const rotators: Rotator[] = [
      createRotatorOf(referenceFlow, db, sharingPool, { coalesce: false }),
      createRotatorOf(referenceFlow, otherDb, keepingPool, { coalesce: false }),
    ];
    for (let round = 0; round < 3; round++) {
      await seed(db, keepingPool, { keys: [key('k1')], backups: backups(9), bindings: [binding('p1', 'k1')] });
      const calls = Array.from({ length: 10 }, () => rotators.map((rotator) => rotator.rotate('k1')));
      const outcomes = await Promise.all(calls.flat());
      expect(countKinds(outcomes)).toEqual({ rotated: 1, 'already-rotated': 19 });
      expect(new Set(outcomes.map((outcome) => ('replacement' in outcome ? outcome.replacement : '')))).toHaveProperty(
        'size',
        1,
      );
      const after = await readState(db, keepingPool);
      expect(usedOf(after)).toHaveLength(1);
      expect(after.bindings).toMatchObject([{ proxyId: 'p1', keyId: usedOf(after)[0]?._id }]);
    }
  });
});
