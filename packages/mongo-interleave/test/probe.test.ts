import { MongoClient, type ClientSession, type Db, type Document } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveSession } from '../src/index.ts';
import { WriteProbe } from '../src/run/write-probe.ts';

/* Whether a write outside transactions would wait for an open transaction, the server says: footprints only tell that it may. */

const set = exploringSet();
const database = createTestDatabaseName('probe');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  const db = control.db(database);
  await db.createCollection('c');
  await db.collection('active').createIndex({ user: 1 }, { unique: true, partialFilterExpression: { active: true } });
});
afterAll(() => control.close());

interface Row {
  readonly _id: string;
  readonly n: number;
}

const scenarioOf = (
  flow: (client: FlowClient, db: Db) => Promise<unknown>,
  seen: (ends: string) => void = () => undefined,
): Promise<InterleaveSession<unknown>> =>
  interleave({
    uri: set.uri,
    database,
    clients: 2,
    flow,
    maxSteps: 30,
    reset: async (db) => {
      await Promise.all(['c', 'active'].map((name) => db.collection(name).deleteMany({})));
      await db.collection<Row>('c').insertMany(['x', 'y'].map((_id) => ({ _id, n: 0 })));
      await db
        .collection<{ _id: string }>('active')
        .insertMany(['A', 'B'].map((_id) => ({ _id, user: 'u', active: false })));
    },
    check: (_db, outcomes) =>
      seen(outcomes.map((outcome) => (outcome.kind === 'returned' ? String(outcome.value) : outcome.kind)).join()),
  });

const write = { $inc: { n: 1 } };

test('a write of another document passes an open transaction whose filter tells nothing', async () => {
  const ends = new Set<string>();
  await using scenario = await scenarioOf(
    async ({ letter, mongo }, db) => {
      const rows = db.collection<Row>('c');
      if (letter === 'A') {
        await using session = mongo.startSession();
        return await session.withTransaction(async () => {
          await rows.updateOne({ n: { $lt: 1 } }, write, { session });
          return nOf(await rows.findOne({ _id: 'y' }, { session }));
        });
      }
      await rows.updateOne({ _id: 'y' }, write);
      return nOf(await rows.findOne({ _id: 'x' }));
    },
    (end) => ends.add(end),
  );
  expect(await scenario.explore()).toMatchObject({ complete: true });
  // Neither sees the other's write: B's write passed while A's transaction was open.
  expect([...ends].toSorted()).toEqual(['0,0', '0,1', '1,0', '1,1']);
});

const nOf = (row: Row | null): number | undefined => row?.n;

test('a write that only an index brings into conflict waits', async () => {
  await using scenario = await scenarioOf(async ({ letter, mongo }, db) => {
    const rows = db.collection<{ _id: string }>('active');
    const activate = { $set: { active: true } };
    if (letter === 'B') return await rows.updateOne({ _id: 'B' }, activate);
    await using session = mongo.startSession();
    return await session.withTransaction(async () => {
      await rows.updateOne({ _id: 'A' }, activate, { session });
      await rows.findOne({ _id: 'A' }, { session });
    });
  });
  // A's statement, read and commit, and B only then, though B was to go after A's statement.
  const outline = { clients: [0, 1], switches: [{ client: 0, after: 1, to: 1 }], faults: [] };
  const { token, trace } = await scenario.run(outline);
  expect(token).toBe('v1:AAAB');
  expect(trace[1]?.waiting).toEqual([{ client: 1, waitsFor: 'A' }]);
});

/* The table: each write beside each transaction, by the probe and really sent. */

const APP_NAME = 'probe-table';
const raw = new MongoClient(set.uri, { appName: APP_NAME, retryWrites: false });
afterAll(() => raw.close());

const START = ['x', 'y', 'z'].map((_id) => ({ _id, code: _id, user: 'u', active: false, n: 0 }));
const where = (q: Document, u: Document | Document[], rest: Document = {}): Document => ({
  update: 't',
  updates: [{ q, u, ...rest }],
});

const IN_TRANSACTION: Readonly<Record<string, Document>> = {
  'updates x': where({ _id: 'x' }, write),
  'updates one of all': where({ n: { $lt: 1 } }, write),
  'updates all but z': where({ _id: { $ne: 'z' } }, write, { multi: true }),
  'changes nothing': where({ _id: 'x' }, { $set: { n: 0 } }),
  'finds nothing': where({ _id: 'none' }, write),
  'activates x': where({ _id: 'x' }, { $set: { active: true } }),
  'gives x another code': where({ _id: 'x' }, { $set: { code: 'new' } }),
  'deletes x': { delete: 't', deletes: [{ q: { _id: 'x' }, limit: 1 }] },
  'inserts new': { insert: 't', documents: [{ _id: 'new', code: 'new' }] },
  'upserts new': where({ code: 'new' }, write, { upsert: true }),
};

const WITHOUT_WRITES = new Set(['changes nothing', 'finds nothing']);

const BESIDE: Readonly<Record<string, Document>> = {
  'update of x': where({ _id: 'x' }, write),
  'update of y': where({ _id: 'y' }, write),
  'update of all': where({}, write, { multi: true }),
  'update of what is untouched': where({ n: 0, _id: 'z' }, write),
  'update of what the transaction made': where({ n: 1 }, write),
  'update of x that changes nothing': where({ _id: 'x' }, { $set: { n: 0 } }),
  'update of none': where({ _id: 'none' }, write),
  'replacement of y': where({ _id: 'y' }, { code: 'y' }),
  'pipeline on x': where({ _id: 'x' }, [{ $set: { n: { $add: ['$n', 1] } } }]),
  'activation of y': where({ _id: 'y' }, { $set: { active: true } }),
  'code of the transaction for y': where({ _id: 'y' }, { $set: { code: 'new' } }),
  'code of x for y': where({ _id: 'y' }, { $set: { code: 'x' } }),
  'upsert of new': where({ code: 'new' }, write, { upsert: true }),
  'upsert of another': where({ code: 'another' }, write, { upsert: true }),
  'delete of x': { delete: 't', deletes: [{ q: { _id: 'x' }, limit: 1 }] },
  'delete of y and z': { delete: 't', deletes: [{ q: { _id: { $in: ['y', 'z'] } }, limit: 0 }] },
  'insert of new': { insert: 't', documents: [{ _id: 'new', code: 'other' }] },
  'insert of the code new': { insert: 't', documents: [{ _id: 'other', code: 'new' }] },
  'insert of the code x': { insert: 't', documents: [{ _id: 'other', code: 'x' }] },
  'insert of another': { insert: 't', documents: [{ _id: 'other', code: 'another' }] },
  'insert of two': { insert: 't', documents: [{ code: 'another' }, { _id: 'new', code: 'other' }] },
  'findAndModify of y': { findAndModify: 't', query: { _id: 'y' }, update: write },
  'removal of x': { findAndModify: 't', query: { _id: 'x' }, remove: true },
};

/** Sends the write and asks the server whether it waits; then ends the transaction, so that the write ends as well. */
async function reallyWaits(command: Document, open: ClientSession): Promise<boolean> {
  const reply = { isThere: false };
  const ended = raw
    .db(database)
    .command(command)
    .catch(() => undefined)
    .finally(() => (reply.isThere = true));
  const waiting = { appName: APP_NAME, active: true, writeConflicts: { $gt: 0 } };
  let waits = false;
  while (!reply.isThere && !waits) {
    const found = await control
      .db('admin')
      .aggregate([{ $currentOp: {} }, { $match: waiting }])
      .toArray();
    waits = found.length > 0;
  }
  await open.abortTransaction();
  await ended;
  return waits;
}

test.each(Object.keys(IN_TRANSACTION))('beside a transaction that %s, the probe tells what waits', async (name) => {
  const db = control.db(database);
  await db.collection('t').createIndex({ code: 1 }, { unique: true });
  await db.collection('t').createIndex({ user: 1 }, { unique: true, partialFilterExpression: { active: true } });
  const probe = new WriteProbe(control);
  const told: Record<string, unknown> = {};
  const real: Record<string, unknown> = {};
  for (const [beside, command] of Object.entries(BESIDE)) {
    await db.collection('t').deleteMany({});
    await db.collection<{ _id: string }>('t').insertMany(START);
    await using session = control.startSession();
    session.startTransaction();
    await db.command(IN_TRANSACTION[name] ?? {}, { session });
    told[beside] = await probe.wouldWait({ ...command, $db: database });
    real[beside] = await reallyWaits(command, session);
  }
  expect(told).toEqual(real);
  expect(Object.values(real).includes(true)).toBe(!WITHOUT_WRITES.has(name));
});
