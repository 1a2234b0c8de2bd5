import { exploringSet, oneMemberSet, openTestDatabase, type TestDatabase } from 'test-kit';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkAftermath } from '../../src/nemesis/aftermath.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase('aftermath');
  await database.db.collection<{ _id: string }>('items').insertOne({ _id: 'a' });
});
afterAll(() => database.close());

const memberAt = (index: number, port: number) => ({ index, host: '127.0.0.1', port });
const one = { members: [memberAt(0, oneMemberSet().port)] };

test('all is well', async () => {
  expect(await checkAftermath(one, database.db)).toEqual([]);
});

test('members with different documents', async () => {
  // Members of one set can't be brought to differ without a defect of the server; two sets can.
  await using other = new MongoClient(exploringSet().uri);
  await other.db(database.name).collection<{ _id: string }>('items').insertOne({ _id: 'b' });
  try {
    expect(await checkAftermath({ members: [...one.members, memberAt(1, exploringSet().port)] }, database.db)).toEqual([
      { invariant: 'members-agree', sentence: 'member 0 and member 1 have different documents in items' },
    ]);
  } finally {
    await other.db(database.name).dropDatabase();
  }
});

test('a transaction that stays open', async () => {
  await using session = database.db.client.startSession();
  session.startTransaction();
  await database.db
    .collection<{ _id: string; n: number }>('items')
    .updateOne({ _id: 'a' }, { $set: { n: 1 } }, { session });
  expect(await checkAftermath(one, database.db, { maxBlockedMs: 100 })).toEqual([
    {
      invariant: 'nothing-blocked',
      sentence: '1 transaction is open 0.1 s after the last call, and nobody goes on with it',
    },
  ]);
  await session.abortTransaction();
  expect(await checkAftermath(one, database.db)).toEqual([]);
});
