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
      expect(given).toHaveLength(1);
    },
  });
  try {
    const { complete, violations } = await session.explore();
    expect(violations.map(formatRun)).toEqual([]);
    expect(complete).toBe(true);
  } finally {
    await session.close();
  }
}, 60_000);
