import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { dependent, type Footprint } from '../src/footprint/footprint.ts';
import type { FlowClient, InterleaveOptions } from '../src/index.ts';
import { nothingKnown } from '../src/run/shared-knowledge.ts';
import { Worker } from '../src/run/worker.ts';
import { seededRandom } from '../src/strategy/seeded-random.ts';
import { createThings, randomScenario, type Mode } from './support/random-flow.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from './support/rotation.ts';
import { swapNeighbours, type Swaps } from './support/swap-neighbours.ts';

/* What the footprints call independent must commute on the real database: neighbours are swapped, and nothing may change. */

const set = exploringSet();
const database = createTestDatabaseName('commute');
const control = new MongoClient(set.uri);
const db = control.db(database);
beforeAll(async () => {
  await createCollections(db);
  await createThings(db);
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

const independent = (one: Footprint, other: Footprint): boolean => !dependent(one, other);

async function swapAll(options: Options, mayCommute: typeof independent, schedules: number): Promise<Swaps> {
  const worker = await Worker.open({ ...options, uri: set.uri, database, check: () => undefined }, nothingKnown());
  try {
    return await swapNeighbours(worker, db, mayCommute, { schedules, random: seededRandom(1) });
  } finally {
    await worker.close();
  }
}

describe('neighbours that are called independent commute', () => {
  test.each(scenarios)('%s', { timeout: 60_000 }, async (_name, options) => {
    const { swapped, differences } = await swapAll(options, independent, 12);
    expect(differences).toEqual([]);
    expect(swapped).toBeGreaterThan(10);
  });
});

describe('and this test sees it when they do not', () => {
  test.each(scenarios)('%s, with the rule that all commute', { timeout: 60_000 }, async (_name, options) => {
    const { differences } = await swapAll(options, () => true, 4);
    expect(differences.length).toBeGreaterThan(0);
  });
});

/** Drawn flows; each takes some ten runs. */
const flowCount = Number(process.env['INTERLEAVE_FLOWS'] ?? 10);
const firstSeed = Number(process.env['INTERLEAVE_SEED'] ?? 1);

describe.each<[Mode, number]>([
  ['plain', 3],
  ['transactions', 3],
  ['both', 3],
])('and those of flows that are drawn at random: %s, %i clients', (mode, clients) => {
  test(`seeds from ${firstSeed}`, { timeout: 30_000 + flowCount * 3_000 }, async () => {
    let scenario = randomScenario(firstSeed, clients, mode);
    const worker = await Worker.open<unknown>(
      {
        ...scenario,
        uri: set.uri,
        database,
        check: () => undefined,
        flow: (client, own) => scenario.flow(client, own, undefined),
      },
      nothingKnown(),
    );
    const differences: string[] = [];
    let swapped = 0;
    try {
      for (let seed = firstSeed; seed < firstSeed + flowCount; seed++) {
        scenario = randomScenario(seed, clients, mode);
        const swaps = await swapNeighbours(worker, db, independent, { schedules: 2, random: seededRandom(seed) });
        differences.push(...swaps.differences.map((text) => `seed ${seed}, ${text}`));
        swapped += swaps.swapped;
      }
    } finally {
      await worker.close();
    }
    expect(differences).toEqual([]);
    expect(swapped).toBeGreaterThan(flowCount);
  });
});
