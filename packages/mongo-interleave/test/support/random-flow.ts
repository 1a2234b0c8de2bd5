import { MongoServerError, type ClientSession, type Collection, type Db } from 'mongodb';
import type { FlowClient, InterleaveOptions } from '../../src/index.ts';
import { seededRandom } from '../../src/strategy/seeded-random.ts';

/*
 * Flows drawn at random from statements of every kind, on few documents and few values, so that they meet often. Where several documents
 * fit, a sort decides: which one comes first without it is no part of what commutes.
 */

interface Thing {
  readonly _id: number;
  readonly kind?: string;
  readonly email?: string;
  readonly count?: number;
  readonly tags?: readonly string[];
  readonly profile?: { readonly mail: string };
}

/** Drawn anew for each statement. */
interface Values {
  readonly id: number;
  readonly otherId: number;
  readonly kind: string;
  readonly newKind: string;
  readonly email: string;
  readonly tag: string;
}

type Things = Collection<Thing>;
type InSession = { readonly session?: ClientSession };
type Statement = (things: Things, values: Values, options: InSession) => Promise<unknown>;

const sort = { _id: 1 } as const;
const upsert = true;

const statements: readonly Statement[] = [
  (things, { id, kind, email }, options) => things.insertOne({ _id: id, kind, email }, options),
  (things, { id, kind }, options) => things.insertOne({ _id: id, kind, count: 0 }, options),
  (things, { id, email }, options) => things.insertOne({ _id: id, profile: { mail: email } }, options),
  (things, { id, otherId, tag }, options) =>
    things.insertMany([{ _id: id, tags: ['s', tag] }, { _id: otherId }], options),
  (things, { id, newKind }, options) => things.updateOne({ _id: id }, { $set: { kind: newKind } }, options),
  (things, { id, email }, options) => things.updateOne({ _id: id }, { $set: { email } }, options),
  (things, { id, email }, options) => things.updateOne({ _id: id }, { $set: { 'profile.mail': email } }, options),
  (things, { id, tag }, options) => things.updateOne({ _id: id }, { $push: { tags: tag } }, options),
  (things, { id }, options) => things.updateOne({ _id: id }, { $rename: { email: 'kind' } }, options),
  (things, { id }, options) => things.updateOne({ _id: id }, { $unset: { email: '' } }, options),
  (things, { id }, options) => things.updateOne({ _id: id }, [{ $set: { kind: '$email' } }], options),
  (things, { id, kind, email }, options) =>
    things.updateOne({ _id: id }, { $set: { kind }, $setOnInsert: { email } }, { ...options, upsert }),
  (things, { id, kind, email }, options) =>
    things.updateOne({ email }, { $set: { kind }, $setOnInsert: { _id: id } }, { ...options, upsert }),
  (things, { id, kind, newKind }, options) =>
    things.updateOne(
      { _id: id, count: 0 },
      { $set: { kind }, $setOnInsert: { tags: [newKind] } },
      { ...options, upsert },
    ),
  (things, { kind, newKind }, options) => things.updateMany({ kind }, { $set: { kind: newKind } }, options),
  (things, { kind }, options) => things.updateMany({ kind, count: 0 }, { $inc: { count: 1 } }, options),
  (things, { tag, newKind }, options) => things.updateMany({ tags: tag }, { $set: { kind: newKind } }, options),
  (things, { email }, options) => things.updateMany({ _id: { $in: [1, 2] } }, { $set: { email } }, options),
  (things, { email }, options) => things.updateMany({ email: { $exists: false } }, { $set: { kind: email } }, options),
  (things, { id, kind, email }, options) => things.replaceOne({ _id: id }, { kind, email }, options),
  (things, { kind, newKind }, options) =>
    things.findOneAndUpdate({ kind }, { $set: { kind: newKind } }, { ...options, sort }),
  (things, { kind }, options) =>
    things.findOneAndUpdate({ kind }, { $inc: { count: 1 } }, { ...options, sort, projection: { kind: 1 } }),
  (things, { kind, newKind }, options) =>
    things.findOneAndUpdate({ kind }, { $set: { kind: newKind } }, { ...options, sort, returnDocument: 'after' }),
  (things, { id, email }, options) => things.findOneAndUpdate({ _id: id }, { $set: { email } }, { ...options, upsert }),
  (things, { kind, email }, options) => things.findOneAndReplace({ kind }, { email }, { ...options, sort }),
  (things, { kind }, options) => things.findOneAndDelete({ kind }, { ...options, sort }),
  (things, { id }, options) => things.deleteOne({ _id: id }, options),
  (things, { kind }, options) => things.deleteMany({ kind }, options),
  (things, { tag }, options) => things.deleteMany({ tags: tag }, options),
  (things, { kind }, options) => things.find({ kind }, { ...options, sort }).toArray(),
  (things, { tag }, options) => things.find({ tags: tag }, { ...options, sort }).toArray(),
  (things, { id, otherId, email }, options) =>
    things.find({ email, _id: { $in: [id, otherId] } }, { ...options, sort }).toArray(),
  (things, _values, options) => things.find({ count: { $gt: 0 } }, { ...options, sort }).toArray(),
  (things, _values, options) => things.find({ email: { $exists: false } }, { ...options, sort }).toArray(),
  (things, { kind }, options) => things.countDocuments({ kind }, options),
  (things, { kind }, options) => things.aggregate([{ $match: { kind } }, { $sort: sort }], options).toArray(),
  (things, { id, otherId, kind, email }, options) =>
    things.bulkWrite(
      [
        { updateOne: { filter: { _id: id }, update: { $set: { kind } } } },
        { updateOne: { filter: { _id: otherId }, update: { $set: { email } } } },
        { deleteOne: { filter: { _id: id } } },
      ],
      options,
    ),
];

export type Mode = 'plain' | 'transactions' | 'both';

const STATEMENTS = 4;
const MAX_ATTEMPTS = 10;
const CONFLICT = 112;

export async function createThings(db: Db): Promise<void> {
  const things = await db.createCollection('things');
  await things.createIndex({ email: 1 }, { unique: true, sparse: true });
  await things.createIndex({ 'profile.mail': 1 }, { unique: true, sparse: true });
}

/** A scenario whose clients each do a few statements; they answer with all results. */
export function randomScenario(
  seed: number,
  clients: number,
  mode: Mode,
): Pick<InterleaveOptions<string>, 'flow' | 'reset' | 'clients'> {
  const programs = Array.from({ length: clients }, (_, client) => drawProgram(seed * clients + client));
  const flow = async ({ index, mongo }: FlowClient, db: Db): Promise<string> => {
    const things = db.collection<Thing>('things');
    const program = programs[index] ?? [];
    if (mode === 'plain' || (mode === 'both' && index === 0)) {
      const results: unknown[] = [];
      for (const one of program) results.push(await one(things, {}).catch(describe));
      return JSON.stringify(results);
    }
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      await using session = mongo.startSession({ causalConsistency: false });
      const results: unknown[] = [];
      session.startTransaction();
      try {
        for (const one of program) results.push(await one(things, { session }));
        await session.commitTransaction();
        return JSON.stringify(results);
      } catch (error) {
        if (session.inTransaction()) await session.abortTransaction();
        if (!(error instanceof MongoServerError) || error.code !== CONFLICT) return describe(error);
      }
    }
    return 'busy';
  };
  return { clients, flow, reset };
}

async function reset(db: Db): Promise<void> {
  const things = db.collection<Thing>('things');
  await things.deleteMany({});
  await things.insertMany([
    { _id: 1, kind: 'x', email: 'a', count: 0 },
    { _id: 2, kind: 'y', count: 0, tags: ['s', 't'] },
    { _id: 3, kind: 'x', profile: { mail: 'a' } },
  ]);
}

function drawProgram(seed: number): ((things: Things, options: InSession) => Promise<unknown>)[] {
  const random = seededRandom(seed);
  const draw = <V>(values: readonly [V, ...V[]]): V => values[Math.floor(random() * values.length)] ?? values[0];
  const [first, ...others] = statements;
  if (first === undefined) return [];
  return Array.from({ length: STATEMENTS }, () => {
    const statement = draw([first, ...others]);
    const values: Values = {
      id: draw([1, 2, 3, 4, 5]),
      otherId: draw([2, 3, 4, 5, 6]),
      kind: draw(['x', 'y']),
      newKind: draw(['x', 'y', 'z']),
      email: draw(['a', 'b', 'c']),
      tag: draw(['s', 't', 'u']),
    };
    return (things, options) => statement(things, values, options);
  });
}

const describe = (error: unknown): string => (error instanceof MongoServerError ? error.message : String(error));
