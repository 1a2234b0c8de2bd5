import { openTestDatabase } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { createRotator } from '../src/index.ts';
import { backup, backups, backupUsedByOldFlow, binding, key, readState, seed } from './support/documents.ts';
import { recordCommands } from './support/command-log.ts';
import { asRotated } from './support/outcomes.ts';
import { deletingPool, keepingPool } from './support/pools.ts';

/* A bound of a read must not be taken for an absence: what stands beyond it would be told not-found, or rotated again. */
const database = await openTestDatabase('limits');
const { db } = database;
await createRotator(db, deletingPool).ensureIndexes();
afterAll(() => database.close());

const wasted = (keyId: string, count: number) =>
  Array.from({ length: count }, (_, index) => backupUsedByOldFlow(`w-${keyId}-${String(index)}`, keyId));

// Red with 1,000 claims for each key of a batch: the claims of one key cut off those of the other.
test('2,500 wasted claims of one key hide nothing of another key in the same transaction', async () => {
  await seed(db, keepingPool, {
    keys: [
      key('k1', { status: 'exhausted', createdAt: new Date('2025-01-01') }),
      key('b0'),
      key('k2', { status: 'exhausted' }),
    ],
    backups: [backupUsedByOldFlow('b0', 'k1', new Date('2025-02-01')), ...wasted('k2', 2_500), ...backups(2)],
    bindings: [binding('p1', 'b0')],
  });
  const rotator = createRotator(db, keepingPool);
  const [first, second] = await Promise.all([rotator.rotate('k1'), rotator.rotate('k2')]);
  expect(first).toEqual({ kind: 'already-rotated', keyId: 'k1', replacement: 'b0' });
  expect(second).toMatchObject({ kind: 'rotated' });
});

test('one key with 1,200 wasted claims, of which the earliest is live', async () => {
  await seed(db, deletingPool, {
    keys: [key('b0')],
    backups: [backupUsedByOldFlow('b0', 'k1', new Date('2025-01-01')), ...wasted('k1', 1_200)],
  });
  expect(await createRotator(db, deletingPool).rotate('k1')).toEqual({
    kind: 'already-rotated',
    keyId: 'k1',
    replacement: 'b0',
  });
});

test('a chain of 1,001 links', { timeout: 60_000 }, async () => {
  const links = Array.from({ length: 1_001 }, (_, index) =>
    backup(`c${String(index + 1)}`, {
      isUsed: true,
      usedFor: `c${String(index)}`,
      usedForIncarnation: `r${String(index)}`,
      rotationId: `r${String(index + 1)}`,
      usedIn: 'keys',
    }),
  );
  await seed(db, deletingPool, { keys: [key('c1001', { incarnation: 'r1001' })], backups: links });
  expect(await createRotator(db, deletingPool).rotate('c0', { deadlineMs: 55_000 })).toEqual({
    kind: 'already-rotated',
    keyId: 'c0',
    replacement: 'c1001',
  });
});

// Red where a page without a usable id counts as the end of the stock.
test('a page of free backups whose ids no key can have is not the last page', async () => {
  const long = Array.from({ length: 300 }, (_, index) => backup(`a${String(index)}${'x'.repeat(1_100)}`));
  await seed(db, deletingPool, { keys: [key('k1')], backups: [...long, backup('b1')] });
  expect(asRotated(await createRotator(db, deletingPool).rotate('k1')).replacement).toBe('b1');
  expect((await readState(db, deletingPool)).keys).toHaveLength(1);
});

// Red without a batch size: the driver asks for more after 101 documents.
test('a rotation among hundreds of backups sends no getMore', async () => {
  await seed(db, deletingPool, { keys: [key('k1')], backups: backups(500) });
  const monitored = await database.connect({ monitorCommands: true });
  const started = recordCommands(monitored);
  asRotated(await createRotator(monitored, deletingPool).rotate('k1'));
  const names = started.map(({ commandName }) => commandName);
  expect(names).toContain('commitTransaction');
  expect(names.filter((name) => ['getMore', 'killCursors'].includes(name))).toEqual([]);
});
