/*
 * Run outside the workspace with each driver of drivers.test.ts: `node use-driver.mjs <uri> <database> driver|mongoose`. A service's
 * calls, and callers that meet: what comes of them is printed as JSON.
 */
import { createRequire } from 'node:module';
import { createRotator, keypool } from 'keypool';

const [, , uri, database, client] = process.argv;

const ROTATORS = 8;
const KEYS = 20;
/** As far apart as callers in several processes are. */
const MAX_JITTER_MS = 30;
/** Drivers are compared, not machines. */
const OPTIONS = { deadlineMs: 60_000 };

const { db, version, close } = client === 'mongoose' ? await openMongoose() : await openDriver();

async function openDriver() {
  const { MongoClient } = await import('mongodb');
  const mongo = await new MongoClient(uri, { appName: 'outside' }).connect();
  return { db: mongo.db(database), version: versionOf(import.meta.url), close: () => mongo.close() };
}

async function openMongoose() {
  const { default: mongoose } = await import('mongoose');
  const { connection } = await mongoose.connect(uri, { dbName: database, appName: 'outside' });
  return {
    db: connection.db,
    version: versionOf(createRequire(import.meta.url).resolve('mongoose')),
    close: () => mongoose.disconnect(),
  };
}

/** Of the copy that a file finds. */
function versionOf(file) {
  return createRequire(file)('mongodb/package.json').version;
}

const { keys, backups, bindings } = keypool.collections;
const key = (_id) => ({ _id, apiKey: `secret-${_id}`, status: 'healthy', createdAt: new Date() });
const backup = (_id) => ({ _id, apiKey: `secret-${_id}`, isUsed: false, createdAt: new Date() });
const ids = (prefix) => Array.from({ length: KEYS }, (_, index) => `${prefix}${index}`);

/** An outcome's kind, or how it failed. */
const kindOf = (settled) => (settled.status === 'fulfilled' ? settled.value.kind : `threw ${settled.reason.message}`);

function count(kinds) {
  const counts = {};
  for (const kind of kinds) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** All at once, each with a rotator of its own, after a random moment. */
async function meet(call) {
  const calls = Array.from({ length: ROTATORS }, () => createRotator(db, keypool, OPTIONS)).flatMap((rotator) =>
    ids('k').map(async (id) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_JITTER_MS));
      return call(rotator, id);
    }),
  );
  return count((await Promise.allSettled(calls)).map(kindOf));
}

try {
  const rotator = createRotator(db, keypool);
  // The second start of a service.
  await rotator.ensureIndexes();
  await createRotator(db, keypool).ensureIndexes();

  await db.collection(keys).insertOne(key('one'));
  await db.collection(backups).insertOne(backup('two'));
  const bound = await rotator.bind({ proxyId: 'proxy', keyId: 'one' });
  const rotated = await rotator.rotate('one', { reason: 'auth-error' });
  const found = await rotator.findRotation(rotated.rotationId);
  // As a writer that does not know of the rotation leaves it.
  await db.collection(bindings).insertOne({ proxyId: 'foreign', factoryKeyId: 'one', createdAt: new Date() });
  const swept = await rotator.sweep();
  const moved = await db.collection(bindings).countDocuments({ factoryKeyId: 'two' });
  const scarce = await rotator.rotate('two');

  await db.collection(keys).insertMany(ids('k').map(key));
  await db.collection(backups).insertMany(ids('b').map(backup));
  const binding = await meet((each, id) => each.bind({ proxyId: `proxy-${id}`, keyId: id }));
  const rotating = await meet((each, id) => each.rotate(id));
  const used = await db.collection(backups).countDocuments({ isUsed: true });

  process.stdout.write(
    JSON.stringify({
      version,
      alone: [bound.kind, rotated.kind, found.replacement, swept.moved, moved, scarce.kind],
      binding,
      rotating,
      used,
    }),
  );
} finally {
  await db.dropDatabase();
  await close();
}
