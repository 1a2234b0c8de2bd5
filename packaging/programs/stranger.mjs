/*
 * A service of somebody else: mongoose, the openhands adapter, and its own habits of logging. One of several processes that find out at the
 * same moment that keys have failed: `node stranger.mjs <uri> <database> <rounds>`. It prints what it was told, and logs each error.
 */
import { inspect } from 'node:util';
import mongoose from 'mongoose';
import { createRotator, incarnationOf, openhands } from 'openhands';

const [, , uri, database, rounds] = process.argv;
const MAX_JITTER_MS = 30;
/** While the database elects a primary, a caller is told `busy` or `indeterminate`, and asks again. */
const MAX_ASKS = 20;

const Key = mongoose.model(
  'Key',
  new mongoose.Schema(
    { _id: String, apiKey: String, status: String, createdAt: Date },
    { strict: false, versionKey: false },
  ),
  openhands.collections.keys,
);

const told = {};
const count = (what) => (told[what] = (told[what] ?? 0) + 1);

/** As much as any logger shows. */
function log(what, error) {
  console.log(`threw ${what}: ${error.name} ${error.code}: ${error.message}`);
  console.error(error);
  console.error(inspect(error, { depth: Infinity, showHidden: true }));
  console.error(JSON.stringify(error, Object.getOwnPropertyNames(error)));
}

/** The service's own query: the driver reads once more after a failover, and not a third time. */
async function readKeys() {
  try {
    return await Key.find({ status: 'healthy' }).lean();
  } catch (error) {
    console.log(`no keys this round: ${error.message}`);
    return [];
  }
}

async function report(rotator, key) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * MAX_JITTER_MS));
  const incarnation = incarnationOf(key);
  for (let ask = 1; ask <= MAX_ASKS; ask += 1) {
    const outcome = await rotator.rotate(key._id, { incarnation, reason: 'exhausted' });
    count(outcome.kind);
    if (outcome.kind !== 'busy' && outcome.kind !== 'indeterminate') return;
  }
  count('gave up');
}

await mongoose.connect(uri, { dbName: database, appName: 'stranger' });
try {
  const rotator = createRotator(mongoose.connection.db, openhands, { onEvent: (event) => console.log(event) });
  await rotator.ensureIndexes({ deadlineMs: 60_000 });
  for (let round = 0; round < Number(rounds); round += 1) {
    const keys = await readKeys();
    const settled = await Promise.allSettled(keys.map((key) => report(rotator, key)));
    for (const { status, reason } of settled) if (status === 'rejected') log('rotating', reason);
  }
} catch (error) {
  log('at the start', error);
} finally {
  await mongoose.disconnect();
}
console.log(`told ${JSON.stringify(told)}`);
