import { openTestDatabase } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { createRotator, incarnationOf } from '../src/index.ts';
import { createRotatorOf } from '../src/testing.ts';
import {
  backup,
  backups,
  backupUsedByOldFlow,
  binding,
  idsOf,
  key,
  readState,
  seed,
  usedOf,
} from './support/documents.ts';
import { recordCommands } from './support/command-log.ts';
import { flowWithBefore } from './support/flows.ts';
import { createGate } from './support/gate.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

const database = await openTestDatabase('late');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const insertKey = (document: ReturnType<typeof key>) => db.collection<{ _id: string }>('keys').insertOne(document);

describe.each([deletingPool, keepingPool])('late callers ($name)', (pool) => {
  const rotator = createRotator(db, pool);

  // Red where follow-evidence.ts answers with the first hop.
  test('are told the live end of a chain of replacements', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(4), bindings: [binding('p1', 'k1')] });
    const first = asRotated(await rotator.rotate('k1'));
    const second = asRotated(await rotator.rotate(first.replacement));
    const third = asRotated(await rotator.rotate(second.replacement));
    const already = { kind: 'already-rotated', replacement: third.replacement };
    expect(await rotator.rotate('k1')).toEqual({ ...already, keyId: 'k1' });
    expect(await rotator.rotate(first.replacement)).toEqual({ ...already, keyId: first.replacement });
    const together = await Promise.all(['k1', first.replacement, second.replacement].map((id) => rotator.rotate(id)));
    for (const outcome of together) expect(outcome).toMatchObject(already);
    expect(usedOf(await readState(db, pool))).toHaveLength(3);
  });

  test('are told not-found where the chain ends at nothing', async () => {
    await seed(db, pool, { keys: [key('k1')], backups: backups(2) });
    const { replacement } = asRotated(await rotator.rotate('k1'));
    await db.collection<{ _id: string }>('keys').deleteOne({ _id: replacement });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'not-found', keyId: 'k1' });
    expect(usedOf(await readState(db, pool))).toHaveLength(1);
  });
});

describe('a key id that comes back', () => {
  const rotator = createRotator(db, deletingPool);

  // Red where follow-evidence.ts takes any live key of that id for the replacement: the second incarnation of b1 never had k1's bindings.
  test('as the id of a replacement is not the one that callers of the first key look for', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(2), bindings: [binding('p1', 'k1')] });
    const first = asRotated(await rotator.rotate('k1'));
    const second = asRotated(await rotator.rotate(first.replacement));
    await insertKey(key(first.replacement, { createdAt: new Date() }));
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: second.replacement });
  });

  // Red without isMeant in rotate-batch.ts: the healthy key is rotated away.
  test('is not touched by a late caller of its earlier incarnation', async () => {
    const failed = key('k1');
    await seed(db, deletingPool, { keys: [failed], backups: backups(3) });
    const incarnation = incarnationOf(failed);
    const first = asRotated(await rotator.rotate('k1', { incarnation }));
    await insertKey(key('k1', { createdAt: new Date() }));
    const before = await readState(db, deletingPool);
    expect(await rotator.rotate('k1', { incarnation })).toEqual({
      kind: 'already-rotated',
      keyId: 'k1',
      replacement: first.replacement,
    });
    expect(await readState(db, deletingPool)).toEqual(before);
  });

  test('is rotated once more in its new incarnation, and each incarnation has its own evidence', async () => {
    const [one, two] = [key('k1'), key('k1', { createdAt: new Date('2026-02-02') })];
    await seed(db, deletingPool, { keys: [one], backups: backups(3) });
    const first = asRotated(await rotator.rotate('k1', { incarnation: incarnationOf(one) }));
    await insertKey(two);
    const second = asRotated(await rotator.rotate('k1', { incarnation: incarnationOf(two) }));
    expect(await rotator.rotate('k1', { incarnation: incarnationOf(one) })).toMatchObject({
      kind: 'already-rotated',
      replacement: first.replacement,
    });
    expect(await rotator.rotate('k1', { incarnation: incarnationOf(two) })).toMatchObject({
      kind: 'already-rotated',
      replacement: second.replacement,
    });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: second.replacement });
  });

  test('without an incarnation the live key is meant', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3) });
    await rotator.rotate('k1');
    await insertKey(key('k1', { createdAt: new Date() }));
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated' });
  });

  test('an incarnation that never was is told from the live one, and nothing is rotated', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(1) });
    const before = await readState(db, deletingPool);
    expect(await rotator.rotate('k1', { incarnation: 'other' })).toEqual({
      kind: 'other-incarnation',
      keyId: 'k1',
      asked: 'other',
      live: incarnationOf(key('k1')),
    });
    expect(await readState(db, deletingPool)).toEqual(before);
  });

  test('callers of two incarnations at once get each their own answer', async () => {
    const [one, two] = [key('k1'), key('k1', { createdAt: new Date('2026-02-02') })];
    await seed(db, deletingPool, { keys: [one], backups: backups(3) });
    const first = asRotated(await rotator.rotate('k1'));
    await insertKey(two);
    const outcomes = await Promise.all([
      rotator.rotate('k1', { incarnation: incarnationOf(one) }),
      rotator.rotate('k1', { incarnation: incarnationOf(two) }),
      rotator.rotate('k1', { incarnation: incarnationOf(one) }),
    ]);
    expect(outcomes).toMatchObject([
      { kind: 'already-rotated', replacement: first.replacement },
      { kind: 'rotated' },
      { kind: 'already-rotated', replacement: first.replacement },
    ]);
  });

  // Red where rotate-batch.ts does not pin `rotation.incarnation` to the first incarnation it saw.
  test('between two attempts is left alone by the second', async () => {
    await seed(db, deletingPool, { keys: [key('k1')], backups: backups(3) });
    const gate = createGate();
    const slow = createRotatorOf(
      flowWithBefore('retireKeys', gate.pass),
      await database.connect(),
      deletingPool,
    ).rotate('k1');
    await gate.reached;
    const { replacement } = asRotated(await rotator.rotate('k1'));
    await insertKey(key('k1', { createdAt: new Date() }));
    gate.open();
    expect(await slow).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement });
    expect(usedOf(await readState(db, deletingPool))).toHaveLength(1);
  });
});

describe('what older flows left', () => {
  const rotator = createRotator(db, deletingPool);
  /** `b2` serves; the others were wasted on the same key, one before it and one after. */
  const threeUsedForOne = {
    keys: [key('b2')],
    backups: [
      backupUsedByOldFlow('b1', 'k1', new Date(1_000)),
      backupUsedByOldFlow('b2', 'k1', new Date(2_000)),
      backupUsedByOldFlow('b3', 'k1', new Date(3_000)),
      backup('b4'),
    ],
    bindings: [binding('p1', 'b2')],
  };

  test('documents without any of the new fields rotate, also without createdAt', async () => {
    const { createdAt: _, ...bare } = key('k1');
    await seed(db, deletingPool, { keys: [bare], backups: [backup('b1')], bindings: [binding('p1', 'k1')] });
    asRotated(await rotator.rotate('k1', { incarnation: 'unknown' }));
    expect((await readState(db, deletingPool)).backups).toMatchObject([
      { usedFor: 'k1', usedForIncarnation: 'unknown' },
    ]);
    expect(await rotator.rotate('k1', { incarnation: 'unknown' })).toMatchObject({ kind: 'already-rotated' });
  });

  test('a null incarnation is none', async () => {
    await seed(db, deletingPool, { keys: [key('k1', { incarnation: null, replacedBy: null })], backups: backups(1) });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b1' });
  });

  // Red where follow-evidence.ts follows the latest claim alone: that one was wasted.
  test('several backups used for one key: the one that is live counts', async () => {
    await seed(db, deletingPool, threeUsedForOne);
    const before = await readState(db, deletingPool);
    for (const incarnation of [undefined, 'created 2026-01-01T00:00:00.000Z'])
      expect(await rotator.rotate('k1', incarnation === undefined ? {} : { incarnation })).toEqual({
        kind: 'already-rotated',
        keyId: 'k1',
        replacement: 'b2',
      });
    expect(await readState(db, deletingPool)).toEqual(before);
  });

  test('a chain that began with an older flow and goes on with this one', async () => {
    await seed(db, deletingPool, {
      keys: [key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1'), backup('b2')],
      bindings: [binding('p1', 'b1')],
    });
    asRotated(await rotator.rotate('b1'));
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b2' });
  });

  // Red where follow-evidence.ts follows the latest of several claims alone, once none of them is live any more.
  test('several backups used for one key: the one that leads on to a live key counts', async () => {
    await seed(db, deletingPool, threeUsedForOne);
    asRotated(await rotator.rotate('b2'));
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b4' });
  });

  // Red where follow-evidence.ts does not look at what it has passed: 2,000 commands in one transaction, a second and more.
  test('evidence that goes round in a circle ends, after one round', async () => {
    const monitored = await database.connect({ monitorCommands: true });
    const commands = recordCommands(monitored);
    await seed(db, deletingPool, {
      backups: [backupUsedByOldFlow('b1', 'b2'), backupUsedByOldFlow('b2', 'b1'), backup('b3')],
    });
    expect(await createRotator(monitored, deletingPool).rotate('b1')).toEqual({ kind: 'not-found', keyId: 'b1' });
    expect(commands.length).toBeLessThan(20);
  });
});

describe('kept keys', () => {
  const rotator = createRotator(db, keepingPool);

  test.each([
    ['exhausted', 'exhausted'],
    ['auth-error', 'need_refresh'],
  ] as const)('after %s the key stays as %s with the marks of its rotation, unbound', async (reason, status) => {
    const failed = key('k1', { note: 'x' });
    await seed(db, keepingPool, { keys: [failed], backups: backups(1), bindings: [binding('p1', 'k1')] });
    const { rotationId } = asRotated(await rotator.rotate('k1', { reason }));
    const after = await readState(db, keepingPool);
    expect(after.keys[1]).toEqual({ ...failed, status, replacedBy: 'b1', rotationId, replacedAt: expect.any(Date) });
    expect(after.bindings).toMatchObject([{ proxyId: 'p1', keyId: 'b1' }]);
  });

  // Red where a kept status alone says replaced: the key would wait for ever.
  test.each(['exhausted', 'need_refresh', 'error', 'rate_limited'] as const)(
    'a key that is %s and waits for stock is rotated',
    async (status) => {
      await seed(db, keepingPool, {
        keys: [key('k1', { status }), key('k2', { status })],
        backups: backups(2),
        bindings: [binding('p1', 'k1')],
      });
      expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated' });
      // an older flow had dropped its bindings already
      expect(await rotator.rotate('k2')).toMatchObject({ kind: 'rotated' });
    },
  );

  test('one that the marks say was replaced is never rotated again', async () => {
    await seed(db, keepingPool, { keys: [key('k1')], backups: backups(3) });
    const { replacement } = asRotated(await rotator.rotate('k1'));
    const before = await readState(db, keepingPool);
    for (let call = 0; call < 3; call++)
      expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement });
    expect(await readState(db, keepingPool)).toEqual(before);
  });

  // Red without findKeptByOldFlow: each late caller takes one more backup (kept-key).
  test.each(['exhausted', 'need_refresh'] as const)('one that an older flow kept as %s is replaced', async (status) => {
    await seed(db, keepingPool, {
      keys: [key('k1', { status }), key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1'), backup('b2'), backup('b3')],
      bindings: [binding('p1', 'b1')],
    });
    const before = await readState(db, keepingPool);
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b1' });
    expect(await readState(db, keepingPool)).toEqual(before);
    const { replacement } = asRotated(await rotator.rotate('b1'));
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement });
  });

  test('also where the clock that wrote its createdAt was an hour ahead', async () => {
    const createdAt = new Date(Date.now() + 3_600_000);
    await seed(db, keepingPool, {
      keys: [key('k1', { status: 'exhausted', createdAt }), key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date(Date.now() - 60_000)), backup('b2')],
      bindings: [binding('p1', 'b1')],
    });
    expect(await rotator.rotate('k1')).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b1' });
  });

  // Red where follow-evidence.ts takes a kept key without a mark for the live end of the chain.
  test.each([
    ['an older flow', [backupUsedByOldFlow('b1', 'k1'), backupUsedByOldFlow('b2', 'b1')], {}],
    [
      'this flow, then an older one',
      [
        backup('b1', { isUsed: true, usedFor: 'k1', usedForIncarnation: 'unknown', rotationId: 'r1' }),
        backupUsedByOldFlow('b2', 'b1'),
      ],
      { incarnation: 'r1' },
    ],
  ] as const)('a chain of kept keys by %s leads on to its live end', async (_by, used, firstIncarnation) => {
    await seed(db, keepingPool, {
      keys: [key('b1', { status: 'exhausted', ...firstIncarnation }), key('b2')],
      backups: [...used, backup('b3')],
      bindings: [binding('p1', 'b2')],
    });
    const before = await readState(db, keepingPool);
    for (const keyId of ['k1', 'b1'])
      expect(await rotator.rotate(keyId)).toEqual({ kind: 'already-rotated', keyId, replacement: 'b2' });
    expect(await readState(db, keepingPool)).toEqual(before);
  });

  test('a chain ends at a kept-looking key that nothing follows', async () => {
    await seed(db, keepingPool, {
      keys: [key('b1', { status: 'exhausted' }), key('b2', { status: 'exhausted' })],
      backups: [backupUsedByOldFlow('b1', 'k1'), backupUsedByOldFlow('b2', 'b1'), backup('b3')],
    });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: 'b2' });
    expect(await rotator.rotate('b2')).toMatchObject({ kind: 'rotated', replacement: 'b3' });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'already-rotated', replacement: 'b3' });
  });

  // Red where follow-evidence.ts does not compare usedAt with createdAt: the key would wait for ever.
  test('one that came back after an older flow had replaced its earlier incarnation is rotated', async () => {
    await seed(db, keepingPool, {
      keys: [key('k1', { status: 'exhausted', createdAt: new Date('2026-03-03') }), key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1', new Date('2026-02-02')), backup('b2')],
      bindings: [binding('p1', 'b1')],
    });
    expect(await rotator.rotate('k1')).toMatchObject({ kind: 'rotated', replacement: 'b2' });
  });

  test('one with old evidence that still has bindings waits for stock and is rotated', async () => {
    await seed(db, keepingPool, {
      keys: [key('k1', { status: 'exhausted' }), key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1'), backup('b2')],
      bindings: [binding('p1', 'k1')],
    });
    expect(asRotated(await rotator.rotate('k1')).replacement).toBe('b2');
  });

  test('of both kinds in one batch are told apart', async () => {
    await seed(db, keepingPool, {
      keys: [key('k1', { status: 'exhausted' }), key('k2', { status: 'exhausted' }), key('b1')],
      backups: [backupUsedByOldFlow('b1', 'k1'), backup('b2')],
      bindings: [binding('p1', 'b1'), binding('p2', 'k2')],
    });
    expect(await Promise.all([rotator.rotate('k1'), rotator.rotate('k2')])).toMatchObject([
      { kind: 'already-rotated', replacement: 'b1' },
      { kind: 'rotated', replacement: 'b2' },
    ]);
  });

  // Red with insertOne in install-keys.ts: the kept document has the same _id.
  test('a restored backup of a kept key is installed again, as an incarnation of its own', async () => {
    await seed(db, keepingPool, { keys: [key('k1'), key('k2')], backups: backups(2), bindings: [binding('p2', 'k2')] });
    const first = asRotated(await rotator.rotate('k1'));
    const second = asRotated(await rotator.rotate(first.replacement));
    expect(await rotator.restoreBackup(first.replacement)).toEqual({ kind: 'restored' });
    const third = asRotated(await rotator.rotate('k2'));
    expect(third.replacement).toBe(first.replacement);
    const after = await readState(db, keepingPool);
    const installed = after.keys.find(({ _id }) => _id === third.replacement);
    expect(installed).toMatchObject({ status: 'healthy', incarnation: third.rotationId });
    expect(installed).not.toHaveProperty('replacedBy');
    expect(installed).not.toHaveProperty('replacedAt');
    expect(after.bindings).toMatchObject([{ keyId: third.replacement }]);
    // late callers of its first incarnation are sent on, not to its second
    expect(await rotator.rotate(first.replacement, { incarnation: first.rotationId })).toEqual({
      kind: 'already-rotated',
      keyId: first.replacement,
      replacement: second.replacement,
    });
    expect(idsOf(usedOf(await readState(db, keepingPool)))).toEqual(['b1', 'b2']);
  });
});
