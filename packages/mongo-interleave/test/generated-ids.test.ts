import { MongoClient, ObjectId, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { interleave, type FlowClient } from '../src/index.ts';

/* ObjectIds are drawn anew in each run; what one run found out of a document must hold for the same document in the next. */

const set = exploringSet();
const database = createTestDatabaseName('ids');
const control = new MongoClient(set.uri);
afterAll(() => control.close());

/** Takes the first free coupon by its `_id`, gives it back, and writes down that it did. */
async function borrow({ letter }: FlowClient, db: Db): Promise<string> {
  const coupons = db.collection('coupons');
  const coupon = await coupons.findOne({ used: false }, { sort: { code: 1 } });
  if (coupon === null) return 'none';
  await coupons.updateOne({ _id: coupon._id }, { $set: { used: true } });
  const { insertedId } = await db.collection('loans').insertOne({ by: letter });
  await coupons.updateOne({ _id: coupon._id }, { $set: { used: false } });
  await db.collection('loans').deleteOne({ _id: insertedId });
  return String(coupon['code']);
}

test('as many classes, and the same, as with ids that stay', async () => {
  const found: { classes: number; tokens: string[] }[] = [];
  for (const idOf of [
    (code: number) => ObjectId.createFromHexString(String(code).padStart(24, '0')),
    () => new ObjectId(),
  ]) {
    await using scenario = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      reset: async (db) => {
        await db.collection('loans').deleteMany({});
        await db.collection('coupons').deleteMany({});
        await db.collection('coupons').insertMany([1, 2].map((code) => ({ _id: idOf(code), code, used: false })));
      },
      flow: borrow,
      check: () => undefined,
    });
    const tokens: string[] = [];
    const { classes } = await scenario.explore({ onClass: ({ token }) => tokens.push(token) });
    found.push({ classes, tokens: tokens.toSorted() });
  }
  expect(found[1]).toEqual(found[0]);
});

test('an id that stays the same from run to run is known as that, whoever uses it first', async () => {
  const counts: number[] = [];
  for (const id of ['x', ObjectId.createFromHexString('0'.repeat(23) + '7'), '6f1de6ac-0f3a-4e2c-9d0c-6a0f3a4e2c9d']) {
    await using scenario = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      reset: async (db) => {
        await db.collection('coupons').deleteMany({});
      },
      flow: async (_client, db) => {
        const coupons = db.collection<{ _id: ObjectId | string }>('coupons');
        if ((await coupons.findOne({ _id: id })) !== null) return 'there';
        return coupons.insertOne({ _id: id }).then(
          () => 'inserted',
          () => 'duplicate',
        );
      },
      check: () => undefined,
    });
    counts.push((await scenario.explore()).classes);
  }
  // one after the other, either way round; both find nothing, and either inserts first
  expect(counts).toEqual([4, 4, 4]);
});
