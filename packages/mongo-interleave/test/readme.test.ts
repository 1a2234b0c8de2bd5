import { readFile } from 'node:fs/promises';
import * as fc from 'fast-check';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet, snippetsOf } from 'test-kit';
import { afterAll, expect, test } from 'vitest';
import { schedules } from '../src/fast-check.ts';
import { formatRun, interleave, type FlowClient, type Outcome } from '../src/index.ts';

/* The code of the README and of the guide runs here, and what they show is what it prints. */

const read = (path: string): Promise<string> => readFile(new URL(path, import.meta.url), 'utf8');
const [readme, guide, source] = await Promise.all([
  read('../README.md'),
  read('../docs/from-a-flow-to-a-failing-schedule.md'),
  read('readme.test.ts'),
]);

const set = exploringSet();
const control = new MongoClient(set.uri);
afterAll(() => control.close());
const { uri } = set;
const database = createTestDatabaseName('readme');

const shown = snippetsOf(source);

// FLOW
async function redeem(db: Db, who: string): Promise<string | undefined> {
  const coupon = await db.collection('coupons').findOne({ used: false });
  if (coupon === null) return undefined;
  await db.collection('coupons').updateOne({ code: coupon['code'] }, { $set: { used: true, by: who } });
  return coupon['code'];
}
// END

// SCENARIO
async function restock(db: Db): Promise<void> {
  await db.collection('coupons').deleteMany({});
  await db.collection('coupons').insertOne({ code: 'c1', used: false });
}

const gotCoupon = (outcome: Outcome<string | undefined>): boolean =>
  outcome.kind === 'returned' && outcome.value !== undefined;
// END

/** Runs the test's body, and gives what it failed with. */
const failureOf = (body: () => Promise<void>): Promise<string> =>
  body().then(
    () => expect.fail('it passed'),
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );

test('the README and the guide show the failing schedule', async () => {
  let traces: string[] = [];
  const message = await failureOf(async () => {
    // EXPLORE
    await using session = await interleave({
      uri,
      database,
      clients: 2,
      reset: restock,
      flow: (client, db) => redeem(db, client.letter),
      check: async (_db, outcomes) => expect(outcomes.filter(gotCoupon)).toHaveLength(1),
      showFields: ['code', 'used'],
    });
    const { violations } = await session.explore();
    traces = violations.map(formatRun);
    expect(violations.map(formatRun)).toEqual([]);
    // END
  });
  expect(message).toContain('to deeply equal []');
  expect(traces).toHaveLength(1);
  const code = shown('EXPLORE').replace('traces = violations.map(formatRun);\n', '').replaceAll(/^/gm, '  ');
  for (const page of [readme, guide]) {
    expect(page).toContain(code);
    expect(page).toContain(traces[0]);
  }
  for (const name of ['FLOW', 'SCENARIO']) expect(guide).toContain(shown(name));
});

test('the guide: the repaired flow, and the token of the broken one', async () => {
  await using session = await interleave({
    uri,
    database,
    clients: 2,
    reset: restock,
    flow: async (_client, db) => {
      const coupon = await db.collection('coupons').findOneAndUpdate({ used: false }, { $set: { used: true } });
      return coupon?.['code'] as string | undefined;
    },
    check: async (_db, outcomes) => expect(outcomes.filter(gotCoupon)).toHaveLength(1),
  });
  const found = await session.explore();
  expect(found).toMatchObject({ classes: 2, complete: true, violations: [] });
  expect(guide).toContain('`{ classes: 2, complete: true, violations: [] }`');
  await expect(session.run('v1:ABBA')).rejects.toThrow(expect.objectContaining({ code: 'diverged' }));
});

test('the guide: random schedules of five', async () => {
  const flow = ({ letter }: FlowClient, db: Db): Promise<string | undefined> => redeem(db, letter);
  const check = (_db: Db, outcomes: readonly Outcome<string | undefined>[]): void => {
    if (outcomes.filter(gotCoupon).length > 1) throw new Error('given out twice');
  };
  const message = await failureOf(async () => {
    // RANDOM
    await using session = await interleave({ uri, database, clients: 5, reset: restock, flow, check });
    await fc.assert(
      fc.asyncProperty(schedules({ clients: 5 }), async (schedule) => {
        const result = await session.run(schedule);
        if (result.verdict.kind === 'violated') throw new Error(formatRun(result));
      }),
    );
    // END
  });
  expect(message).toContain('Property failed');
  expect(guide).toContain(shown('RANDOM').replaceAll(/^/gm, '  '));
});
