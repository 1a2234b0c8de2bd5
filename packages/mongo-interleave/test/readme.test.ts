import { readFile } from 'node:fs/promises';
import { MongoClient } from 'mongodb';
import { afterAll, expect, test } from 'vitest';
import { formatRun, interleave } from '../src/index.ts';
import { databaseOf, startLocalSet } from './support/local-set.ts';

/* The README's code runs here, and its trace is what it prints. */

const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
const source = await readFile(new URL(import.meta.url), 'utf8');

const set = await startLocalSet();
const control = new MongoClient(set.uri);
afterAll(() => control.close());
const { uri } = set;
const database = databaseOf('readme');

test('the README shows the failing schedule', async () => {
  // README
  await using race = await interleave<string | undefined>({
    uri,
    database,
    clients: 2,
    reset: async (db) => {
      await db.collection('coupons').deleteMany({});
      await db.collection('coupons').insertOne({ code: 'c1', used: false });
    },
    flow: async ({ letter }, db) => {
      const coupon = await db.collection('coupons').findOne({ used: false });
      if (coupon === null) return undefined;
      await db.collection('coupons').updateOne({ code: coupon['code'] }, { $set: { used: true, by: letter } });
      return coupon['code'];
    },
    check: (_db, outcomes) => {
      const given = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value !== undefined);
      if (given.length > 1) throw new Error('the coupon was given out twice');
    },
    showFields: ['code', 'used'],
  });
  const { violations, classes } = await race.explore();
  // END
  const texts = violations.map(formatRun);
  expect({ classes, violations: texts.length }).toEqual({ classes: 4, violations: 2 });
  expect(readme).toContain(texts[0]);

  const [, shown = ''] = source.split(/^ {2}\/\/ (?:README|END)\n/m);
  expect(readme).toContain(shown.replaceAll(/^ {2}/gm, ''));
});
