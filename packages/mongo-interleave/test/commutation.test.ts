import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Taken } from '../src/execute-run.ts';
import { dependent, type Footprint } from '../src/footprint/footprint.ts';
import type { FlowClient, InterleaveOptions } from '../src/index.ts';
import { Lane } from '../src/lane.ts';
import { replayChooser } from '../src/schedule/replay.ts';
import { formatTrace } from '../src/schedule/trace.ts';
import { randomWalk } from '../src/sample/samplers.ts';
import { seededRandom } from '../src/sample/seeded-random.ts';
import { databaseOf, startLocalSet } from './support/local-set.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from './support/rotation.ts';

/* What the footprints call independent must commute on the real database: neighbours are swapped, and nothing may change. */

const set = await startLocalSet();
const database = databaseOf('commute');
const control = new MongoClient(set.uri);
const db = control.db(database);
beforeAll(async () => {
  await createCollections(db);
  await db
    .collection('stock')
    .createIndex({ slot: 1 }, { unique: true, partialFilterExpression: { slot: { $type: 'int' } } });
});
afterAll(() => control.close());

type Options = Pick<InterleaveOptions<unknown>, 'flow' | 'reset' | 'clients'>;

interface Item {
  readonly _id: string;
  readonly kind: string;
  readonly count: number;
  readonly slot?: number;
}

/** Inserts, upserts, a unique index, updates of several documents, and findAndModify, on documents that meet in part. */
async function mixed({ index, letter }: FlowClient, own: Db): Promise<string> {
  const stock = own.collection<Item>('stock');
  await stock.updateMany({ kind: index === 0 ? 'red' : 'blue' }, { $inc: { count: 1 } });
  await stock.insertOne({ _id: `new-${letter}`, kind: index === 2 ? 'red' : 'green', count: 0 });
  await stock.updateOne({ _id: 'shared' }, { $set: { kind: index === 1 ? 'blue' : 'green' } }, { upsert: true });
  const found = await stock.findOneAndUpdate({ kind: 'green' }, { $inc: { count: 10 } }, { sort: { _id: 1 } });
  const slotted = await stock.insertOne({ _id: `slot-${letter}`, kind: 'slot', count: 0, slot: index % 2 }).then(
    () => 'got it',
    () => 'taken',
  );
  const { deletedCount } = await stock.deleteOne({ kind: 'red', count: 1 });
  return `${found?._id ?? 'none'} ${slotted} ${deletedCount} ${await stock.countDocuments({ kind: 'blue' })}`;
}

const resetStock = async (own: Db): Promise<void> => {
  const stock = own.collection<Item>('stock');
  await stock.deleteMany({});
  await stock.insertMany(['red', 'red', 'blue'].map((kind, at) => ({ _id: `${kind}-${at}`, kind, count: at })));
};

const scenarios: readonly (readonly [string, Options])[] = [2, 3].flatMap((clients) => [
  [`checked-claim, ${clients} clients`, { flow: checkedClaim, reset: rotationScenario.reset, clients }] as const,
  [`a transaction, ${clients} clients`, { flow: inTransaction, reset: rotationScenario.reset, clients }] as const,
  [`mixed, ${clients} clients`, { flow: mixed, reset: resetStock, clients }] as const,
]);

/** What a run left and what everybody was told: data, each client's steps and replies, and how it ended. */
async function observe(lane: Lane<unknown>, choices: readonly Taken['choice'][], options: Options): Promise<string> {
  const { trace, outcomes } = await lane.execute(replayChooser(choices));
  const replies = Array.from({ length: options.clients }, (_, client) =>
    formatTrace(trace.filter((step) => step.client === client)),
  );
  const data = await Promise.all(
    ['keys', 'backups', 'bindings', 'stock'].map((name) =>
      db
        .collection(name)
        .find({}, { projection: name === 'bindings' ? { _id: 0 } : {} })
        .toArray(),
    ),
  );
  const sorted = data.map((documents) => documents.map((one) => JSON.stringify(one)).toSorted());
  return JSON.stringify([sorted, replies, outcomes]).replaceAll(/ObjectId#\d+/g, 'ObjectId');
}

/** Swaps neighbours that `mayCommute`, in random schedules. @returns those pairs whose order was seen to matter */
async function findDifferences(
  options: Options,
  mayCommute: (one: Footprint, other: Footprint) => boolean,
  { schedules, seed }: { readonly schedules: number; readonly seed: number },
): Promise<{ readonly swapped: number; readonly differences: readonly string[] }> {
  const random = seededRandom(seed);
  const lane = await Lane.open({ ...options, uri: set.uri, database, check: () => undefined, showFields: ['kind'] });
  const differences: string[] = [];
  let swapped = 0;
  try {
    for (let schedule = 0; schedule < schedules; schedule++) {
      const walk = randomWalk<Footprint>(random);
      const { taken } = await lane.execute({
        choose: (offers, step) =>
          walk.choose(
            offers.map((offer) => ({ ...offer, client: offer.choice.client })),
            step,
          ),
        took: () => undefined,
      });
      const pairs = taken.flatMap((one, at) => {
        const other = taken[at + 1];
        if (other === undefined || one.choice.client === other.choice.client) return [];
        if (!one.offered.includes(other.choice.client) || !mayCommute(one.footprint, other.footprint)) return [];
        return [{ at, swap: [other.choice, one.choice] }];
      });
      const pair = pairs[Math.floor(random() * pairs.length)];
      if (pair === undefined) continue;
      const choices = taken.map(({ choice }) => choice);
      const other = choices.toSpliced(pair.at, 2, ...pair.swap);
      swapped++;
      const [before, after] = [await observe(lane, choices, options), await observe(lane, other, options)];
      if (before !== after) differences.push(`${pair.at + 1}: ${before}\n   ${after}`);
    }
  } finally {
    await lane.close();
  }
  return { swapped, differences };
}

describe('neighbours that are called independent commute', () => {
  test.each(scenarios)('%s', { timeout: 60_000 }, async (_name, options) => {
    const independent = (one: Footprint, other: Footprint): boolean => !dependent(one, other);
    const { swapped, differences } = await findDifferences(options, independent, { schedules: 40, seed: 1 });
    expect(differences).toEqual([]);
    expect(swapped).toBeGreaterThan(10);
  });
});

describe('and this test sees it when they do not', () => {
  test.each(scenarios)('%s, with the rule that all commute', { timeout: 60_000 }, async (_name, options) => {
    const { differences } = await findDifferences(options, () => true, { schedules: 20, seed: 1 }).catch(
      // the other order went another way altogether
      (error: unknown) => ({ differences: [String(error)] }),
    );
    expect(differences.length).toBeGreaterThan(0);
  });
});
