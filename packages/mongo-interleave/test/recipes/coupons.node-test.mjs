import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatRun, interleave } from 'mongo-interleave';

test('a coupon is given out once', async () => {
  const session = await interleave({
    uri: process.env.MONGODB_URI,
    database: 'coupons_test',
    clients: 2,
    reset: async (db) => {
      await db.collection('coupons').deleteMany({});
      await db.collection('coupons').insertOne({ code: 'c1', used: false });
    },
    flow: async (client, db) => {
      const coupon = await db.collection('coupons').findOne({ used: false });
      if (coupon === null) return undefined;
      await db.collection('coupons').updateOne({ code: coupon.code }, { $set: { used: true, by: client.letter } });
      return coupon.code;
    },
    check: (_db, outcomes) => {
      const given = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value !== undefined);
      assert.equal(given.length, 1, `given out ${given.length} times`);
    },
  });
  try {
    const { complete, violations } = await session.explore();
    assert.deepEqual(violations.map(formatRun), []);
    assert(complete);
  } finally {
    await session.close();
  }
});
