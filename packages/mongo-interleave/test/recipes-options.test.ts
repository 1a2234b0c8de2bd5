import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet, snippetsOf } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatCondition, formatGrid, formatRun, interleave, type FlowClient, type Outcome } from '../src/index.ts';

/* The code of docs/options.md runs here, and what the page shows is what it prints. */

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
const [page, source] = await Promise.all([read('../docs/options.md'), read('recipes-options.test.ts')]);
const shown = snippetsOf(source);
const printed = (text: string): string => `\`\`\`\n${text}\n\`\`\`\n`;

const { uri } = exploringSet();
const database = createTestDatabaseName('options');
const control = new MongoClient(uri);
const folder = await mkdtemp(join(tmpdir(), 'options-'));
beforeAll(async () => {
  for (const name of ['coupons', 'leases', 'work']) await control.db(database).createCollection(name);
});
afterAll(async () => {
  await control.close();
  await rm(folder, { recursive: true, force: true });
});

interface Lease {
  readonly _id: string;
  readonly expiresAt: Date;
}

interface Stored {
  readonly _id: string;
  readonly state?: string;
}

const reset = async (db: Db): Promise<void> => {
  await db.collection('coupons').deleteMany({});
  await db.collection('coupons').insertOne({ code: 'c1', used: false });
};

async function redeem(db: Db, who: string): Promise<string | undefined> {
  const coupon = await db.collection('coupons').findOne({ used: false });
  if (coupon === null) return undefined;
  await db.collection('coupons').updateOne({ code: coupon['code'] }, { $set: { used: true, by: who } });
  return coupon['code'];
}

const flow = ({ letter }: FlowClient, db: Db): Promise<string | undefined> => redeem(db, letter);

const check = (_db: Db, outcomes: readonly Outcome<string | undefined>[]): void => {
  const given = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value !== undefined);
  if (given.length > 1) throw new Error(`given out ${given.length} times`);
};

// SCENARIO
const scenario = { uri, database, clients: 2, reset, flow, check };
// END

/** The snippets of the page, in the order in which they are run here. */
function expectShown(...names: readonly string[]): void {
  for (const name of names) {
    expect(shown(name)).not.toBe('');
    expect(page).toContain(`\`\`\`ts\n${shown(name)}\n\`\`\`\n`);
  }
}

test('clock', async () => {
  const leases = (db: Db) => db.collection<Lease>('leases');
  const timed = {
    ...scenario,
    reset: async (db: Db) => {
      await leases(db).deleteMany({});
      await leases(db).insertOne({ _id: 'job', expiresAt: new Date(0) });
      await db.collection('work').deleteMany({});
    },
    check: async (db: Db) => {
      const count = await db.collection('work').countDocuments();
      if (count > 1) throw new Error(`the job ran ${count} times`);
    },
  };
  await using session = await interleave({
    ...timed,
    // CLOCK
    clock: { ticksMs: [30_000] },
    flow: async (client, db) => {
      const now = await client.now();
      const expiresAt = new Date(now.getTime() + 30_000);
      const free = { _id: 'job', expiresAt: { $lte: now } };
      const { matchedCount } = await db.collection<Lease>('leases').updateOne(free, { $set: { expiresAt } });
      if (matchedCount === 1) await db.collection('work').insertOne({ by: client.letter });
    },
    // END
  });
  const { complete, violations } = await session.explore();
  expect(complete).toBe(true);
  expect(violations.map(({ verdict }) => verdict)).toMatchObject([{ error: { message: 'the job ran 2 times' } }]);
  // The tick stands between the two clients' updates.
  expect(violations[0]?.token).toMatch(/^v1:[AB]+C[AB]+$/);
  expectShown('CLOCK');
});

test('sample', async () => {
  await using session = await interleave({ ...scenario, clients: 6 });
  // SAMPLE
  const { runs, seed, violations } = await session.sample({ strategy: 'pos', maxRuns: 100, maxViolations: 1 });
  // END
  expect(runs).toBeLessThan(100);
  expect(seed).toBeTypeOf('number');
  expect(violations).toHaveLength(1);
  expectShown('SAMPLE');
});

test('checkpointFile', async () => {
  const checkpointFile = join(folder, 'coupons.checkpoint');
  await using session = await interleave({ ...scenario, clients: 3 });
  // CHECKPOINT
  const today = await session.explore({ checkpointFile, maxRuns: 5 });
  const tomorrow = await session.explore({ checkpointFile });
  // END
  expect(today).toMatchObject({ runs: 5, complete: false });
  expect(tomorrow.complete).toBe(true);
  const { classes } = await session.explore();
  expect(tomorrow.classes).toBe(classes);
  expectShown('CHECKPOINT');
});

test('conditions', async () => {
  await using session = await interleave({
    ...scenario,
    // CONDITIONS_FLOW
    flow: async (client, db) => {
      await db.collection('coupons').insertMany([{ code: 'c2' }, { code: 'c3' }]);
      await db.collection('coupons').updateMany({ used: false }, { $set: { by: client.letter } });
    },
    // END
    check: () => undefined,
  });
  // CONDITIONS
  const { complete, conditions } = await session.explore();
  const text = [`complete: ${complete}, but for:`, ...conditions.map(formatCondition)].join('\n');
  // END
  expect(page).toContain(printed(text));
  expectShown('CONDITIONS_FLOW', 'CONDITIONS');
});

test('prepare', async () => {
  await using session = await interleave({
    ...scenario,
    // PREPARE
    prepare: async (_client, db) => {
      await db.collection('coupons').createIndex({ code: 1 }, { unique: true });
      return await db.collection('coupons').distinct('code');
    },
    flow: async (client, db, codes) => {
      const [code] = codes;
      const mark = { $set: { used: true, by: client.letter } };
      const { matchedCount } = await db.collection('coupons').updateOne({ code, used: false }, mark);
      return matchedCount === 1 ? String(code) : undefined;
    },
    // END
  });
  const { violations } = await session.explore({
    onClass: ({ trace }) => expect(trace.map(({ command }) => command)).toEqual(['update', 'update']),
  });
  expect(violations).toEqual([]);
  expectShown('PREPARE');
});

test('faults, and the grid', async () => {
  await using session = await interleave({
    ...scenario,
    showFields: ['code', 'used'],
    // FAULTS_FLOW
    flow: async (_client, db) => {
      const coupon = await db.collection('coupons').findOneAndUpdate({ used: false }, { $set: { used: true } });
      return coupon?.['code'] as string | undefined;
    },
    check: (_db, outcomes) => {
      const given = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value !== undefined);
      if (given.length !== 1) throw new Error(`given out ${given.length} times`);
    },
    // END
  });
  // FAULTS
  const { violations } = await session.explore({ faults: { kinds: ['crash-after'], maxFaults: 1 } });
  // END
  expect((await session.explore()).violations).toEqual([]);
  expect(violations.map((violation) => page.includes(printed(formatRun(violation))))).toEqual([true]);
  // GRID
  const cells = await session.grid({ kinds: ['crash', 'crash-after', 'lost-reply'] });
  const table = formatGrid(cells);
  // END
  expect(page).toContain(printed(table));
  expectShown('FAULTS_FLOW', 'FAULTS', 'GRID');
});

test('maxPreemptions', async () => {
  await using session = await interleave({ ...scenario, clients: 3 });
  // PREEMPTIONS
  const few = await session.explore({ maxPreemptions: 1 });
  const all = await session.explore();
  // END
  expect(few.violations).toHaveLength(1);
  expect(few.conditions).toContainEqual({ kind: 'preemptions', max: 1 });
  expect(few.classes).toBeLessThan(all.classes);
  expectShown('PREEMPTIONS');
});

test('everyState', async () => {
  const offers = (db: Db) => db.collection<Stored>('offers');
  const news = (db: Db) => db.collection<Stored>('news');
  const isTooEarly = async (db: Db): Promise<boolean> =>
    (await news(db).countDocuments()) > 0 && (await offers(db).countDocuments({ state: 'open' })) === 0;
  let tooEarly = false;
  await using session = await interleave({
    ...scenario,
    reset: async (db) => {
      tooEarly = false;
      await news(db).deleteMany({});
      await offers(db).deleteMany({});
      await offers(db).insertOne({ _id: 'o1', state: 'draft' });
    },
    flow: async ({ letter }, db): Promise<undefined> => {
      if (letter === 'A') await offers(db).updateOne({ _id: 'o1' }, { $set: { state: 'open' } });
      else await news(db).insertOne({ _id: 'o1 is open' });
    },
    // STATES
    onStep: async (_step, db) => {
      tooEarly ||= await isTooEarly(db);
    },
    check: () => {
      if (tooEarly) throw new Error('an offer was announced before it was open');
    },
    // END
  });
  // EVERY_STATE
  const { violations } = await session.explore({ everyState: true });
  // END
  expect(violations.map(({ token }) => token)).toEqual(['v1:BA']);
  // Two writes to two collections commute, so one order stands for both.
  expect(await session.explore()).toMatchObject({ classes: 1, violations: [] });
  expectShown('STATES', 'EVERY_STATE');
});

test('showFields and showResults', async () => {
  const lines = async (options: { showFields?: string[]; showResults?: boolean }): Promise<string> => {
    await using session = await interleave({ ...scenario, clients: 1, ...options });
    return formatRun(await session.run('v1:AA'));
  };
  expect(page).toContain(printed(await lines({})));
  const options = {
    // SHOW
    showFields: ['code', 'used'],
    showResults: true,
    // END
  };
  expect(page).toContain(printed(await lines(options)));
  expectShown('SHOW');
});

test('workers', async () => {
  await using session = await interleave({ ...scenario, clients: 3 });
  // WORKERS
  const { classes, complete } = await session.explore({ workers: 3 });
  // END
  expect(complete).toBe(true);
  expect(classes).toBe((await session.explore()).classes);
  expectShown('WORKERS');
});

test('each snippet of the page is run here', () => {
  const names = [...source.matchAll(/^ *\/\/ ([A-Z_]+)$/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'END');
  const run = new Set(names.map(shown));
  const snippets = [...page.matchAll(/^```ts\n(.*?)\n```$/gms)].map(([, code = '']) => code);
  expect(snippets.filter((code) => !run.has(code))).toEqual([]);
  expect(snippets.length).toBeGreaterThan(12);
});
