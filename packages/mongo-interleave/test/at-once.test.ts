import assert from 'node:assert/strict';
import { MongoClient, type Collection, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient } from '../src/index.ts';

/* What one client sends at once: its own reads commute only as long as nothing comes after one of them alone. */

const { uri } = exploringSet();
const control = new MongoClient(uri);
afterAll(() => control.close());

interface Item {
  readonly _id: string;
  readonly n: number;
}

const items = (db: Db): Collection<Item> => db.collection<Item>('items');
const read = (db: Db, _id: string): Promise<Item | null> => items(db).findOne({ _id });

async function reset(db: Db): Promise<void> {
  await items(db).deleteMany({});
  await items(db).insertMany(['x', 'y', 'z'].map((_id) => ({ _id, n: 0 })));
}

/** Adds one to `x` and `y` as soon as it sees that A has changed `z`. */
async function answer(db: Db): Promise<void> {
  if ((await read(db, 'z'))?.n === 1) await items(db).updateMany({ _id: { $in: ['x', 'y'] } }, { $inc: { n: 1 } });
}

const change = (db: Db): Promise<unknown> => items(db).updateOne({ _id: 'z' }, { $set: { n: 1 } });

type Reads = (db: Db) => Promise<readonly (Item | null)[]>;

async function explore(reads: Reads) {
  const seen = new Set<string>();
  await using session = await interleave({
    uri,
    database: createTestDatabaseName('at_once'),
    clients: 2,
    reset,
    flow: async ({ letter }: FlowClient, db) => (letter === 'A' ? await reads(db) : await answer(db)),
    check: (_db, [first]) => {
      assert.equal(first?.kind, 'returned');
      seen.add(((first.value ?? []) as (Item | null)[]).map((item) => item?.n).join(' '));
    },
  });
  const exploration = await session.explore();
  return { ...exploration, seen: [...seen].toSorted() };
}

const alone = (read_: Promise<Item | null>, db: Db): Promise<Item | null> =>
  read_.then(async (item) => {
    await change(db);
    return item;
  });

describe('a client that goes on after one of its reads', () => {
  test.each<[string, Reads, readonly string[]]>([
    ['the first', (db) => Promise.all([alone(read(db, 'x'), db), read(db, 'y')]), ['0 0', '0 1']],
    ['the last', (db) => Promise.all([read(db, 'x'), alone(read(db, 'y'), db)]), ['0 0', '1 0']],
    ['either', (db) => Promise.all([alone(read(db, 'x'), db), alone(read(db, 'y'), db)]), ['0 0', '0 1', '1 0']],
  ])('%s', async (_which, reads, results) => {
    const { seen, complete, conditions } = await explore(reads);
    expect(complete).toBe(true);
    expect(seen).toEqual(results);
    expect(conditions).not.toContainEqual({ kind: 'at-once', client: 0 });
  });
});

test('a client that goes on after all of its reads sends them in one order', async () => {
  const { classes, complete, conditions } = await explore(async (db) => {
    const found = await Promise.all([read(db, 'x'), read(db, 'y')]);
    await change(db);
    return found;
  });
  expect(complete).toBe(true);
  expect(classes).toBe(2);
  expect(conditions).toContainEqual({ kind: 'at-once', client: 0 });
});
