/* Explores a race in threads, on a set of its own, and prints what was found. */
import { inThreads, interleave } from 'mongo-interleave';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';

const set = await startReplicaSet({ members: 1 });
try {
  const session = await interleave({
    ...inThreads(new URL('thread-flow.mjs', import.meta.url)),
    uri: set.uri,
    database: createDatabaseName('threads'),
    clients: 2,
    reset: async (db) => {
      await db.collection('coupons').deleteMany({});
      await db.collection('coupons').insertOne({ _id: 'c1', used: false });
    },
    check: (_db, outcomes) => {
      if (outcomes.filter(({ value }) => value === 'c1').length !== 1) throw new Error('given out twice');
    },
  });
  const { complete, violations } = await session.explore();
  await session.close();
  process.stdout.write(JSON.stringify({ complete, violations: violations.length }));
} finally {
  await set.stop();
}
