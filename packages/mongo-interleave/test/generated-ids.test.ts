import { MongoClient, ObjectId, type Db } from 'mongodb';
import { afterAll, expect, test } from 'vitest';
import { interleave, type FlowClient } from '../src/index.ts';
import { databaseOf, startLocalSet } from './support/local-set.ts';

/* ObjectIds are drawn anew in each run; what one run found out of a document must hold for the same document in the next. */

const set = await startLocalSet();
const database = databaseOf('ids');
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
