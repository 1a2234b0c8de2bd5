/*
 * What a service does with an adapter: when the upstream refuses a key, the service rotates the key and goes on with the key that
 * took its place. Run it: pnpm exec node examples/service.ts
 */
import { MongoClient, type Db } from 'mongodb';
import { classifyFailure, createRotator, incarnationOf, keypool, type KeyDocument, type Rotator } from 'keypool';
import { createDatabaseName, startReplicaSet } from 'mongo-test-replica-set';

const EXHAUSTED_FOR_MS = 24 * 60 * 60 * 1_000;

/** Rotates the key if the upstream's answer says that the key has failed. @returns the id of the key to use next, if any */
export async function onUpstreamAnswer(
  db: Db,
  rotator: Rotator,
  key: KeyDocument,
  answer: { status: number; body: string },
): Promise<string | undefined> {
  const verdict = classifyFailure(keypool, answer);
  if (verdict.action !== 'rotate') return key._id;

  // With the incarnation, a key that was inserted under the same id meanwhile is left alone.
  const outcome = await rotator.rotate(key._id, { incarnation: incarnationOf(key), reason: verdict.reason });
  switch (outcome.kind) {
    case 'rotated':
    case 'already-rotated':
      return outcome.replacement;
    case 'no-backup':
      await markExhausted(db, key);
      return undefined;
    case 'other-incarnation': // the key was put back meanwhile
    case 'not-found': // an operator removed the key
    case 'held-back': // too many keys fail: the upstream is down
    case 'busy': // nothing was changed: the next failure tries again
    case 'indeterminate': // the key may have been rotated: the next failure finds out
      return undefined;
  }
}

/** The service's own rule: without stock, a key rests for a day. Applies to this incarnation only, and only while it is live. */
async function markExhausted(db: Db, key: KeyDocument): Promise<void> {
  await db
    .collection<KeyDocument>(keypool.collections.keys)
    .updateOne(
      { _id: key._id, incarnation: key.incarnation ?? null, replacedBy: null },
      { $set: { status: 'exhausted', exhaustedUntil: new Date(Date.now() + EXHAUSTED_FOR_MS) } },
    );
}

async function main(): Promise<void> {
  await using set = await startReplicaSet();
  await using client = new MongoClient(set.uri, { appName: 'keypool-service' });
  const db = client.db(createDatabaseName('example', { prefix: 'rotation_' }));
  const rotator = createRotator(db, keypool, {
    onEvent: (event) => {
      if (event.type === 'low-stock') process.stdout.write(`only ${event.freeBackups} backups left\n`);
    },
  });
  await rotator.ensureIndexes();

  const keys = db.collection<KeyDocument>(keypool.collections.keys);
  const key: KeyDocument = { _id: 'k1', apiKey: 'made-up-1', status: 'healthy', createdAt: new Date() };
  await keys.insertOne(key);
  await rotator.bind({ proxyId: 'proxy-1', keyId: 'k1' });
  await db.collection<{ _id: string; apiKey: string; isUsed: boolean }>(keypool.collections.backups).insertOne({
    _id: 'b1',
    apiKey: 'made-up-2',
    isUsed: false,
  });

  const next = await onUpstreamAnswer(db, rotator, key, { status: 402, body: 'billing: out of budget' });
  process.stdout.write(`k1 failed, the next key is ${next ?? 'none'}\n`);
  await db.dropDatabase();
}

if (import.meta.main) await main();
