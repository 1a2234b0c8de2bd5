import { readFile } from 'node:fs/promises';
import { formatRun, interleave, type Exploration, type InterleaveSession, type Verdict } from 'mongo-interleave';
import { MongoClient } from 'mongodb';
import { CommandLine, createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, describe, expect, test } from 'vitest';
import { firstEvery } from './agenda-first-start.ts';
import { everyThenStart, startOnly, startThenEvery } from './agenda.ts';
import { firstSave } from './auto-increment.ts';
import { upTwice } from './migrate-mongo.ts';
import type { Scenario } from './scenario.ts';

/* What the page says of each package: the order that breaks its promise, the orders that keep it, and the code that finds out. */

const read = (file: string): Promise<string> => readFile(new URL(file, import.meta.url), 'utf8');
const page = await read('README.md');
const { uri } = exploringSet();
const database = createTestDatabaseName('published');
const control = new MongoClient(uri);

afterAll(async () => {
  await control.db(database).dropDatabase();
  await control.close();
});

const open = <P, T>(scenario: Scenario<P, T>): Promise<InterleaveSession<T>> =>
  interleave({ ...scenario, uri, database });

/** Times differ from run to run. */
const withoutTimes = (text: string): string => text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'a time');

/** What the page shows in the block below the scenario's name. */
const shownFor = (name: string): string =>
  withoutTimes(page.split(`\n${name}:\n\n\`\`\`\n`)[1]?.split('\n```\n')[0] ?? 'nothing');

interface Found {
  readonly token: string;
  readonly verdict: Verdict;
  /** As `formatRun` prints it. */
  readonly printed: string;
}

/** Finds an order with a single preemption that breaks the rule, and replays it. */
async function find<P, T>(scenario: Scenario<P, T>): Promise<Found> {
  await using session = await open(scenario);
  const { violations } = await session.explore({ maxPreemptions: 1, maxViolations: 1 });
  const token = violations[0]?.token ?? 'none';
  const replayed = await session.run(token);
  return {
    token,
    verdict: replayed.verdict,
    printed: withoutTimes(formatRun(replayed)),
  };
}

const violated = (message: string): object => ({
  kind: 'violated',
  error: { message: expect.stringContaining(message) as unknown },
});

async function exploreAll<P>(scenario: Scenario<P>): Promise<Exploration<number>> {
  await using session = await open(scenario);
  return await session.explore();
}

describe('agenda', () => {
  test('start(), then every(): one process runs a due job twice', async () => {
    const { printed, ...found } = await find(startThenEvery);
    expect(found).toMatchObject({ token: 'v1:AAAAAAAA', verdict: violated('the job ran 2 times') });
    expect(shownFor('agenda, start() then every(), one process')).toBe(printed);
  });

  test('every(), then start(): one process runs it once, two may run it twice', async () => {
    expect(await exploreAll(everyThenStart(1))).toMatchObject({ complete: true, classes: 1, violated: 0 });
    const { token, verdict } = await find(everyThenStart(2));
    expect({ token, verdict }).toMatchObject({ token: 'v1:AAABBBBBAA', verdict: violated('the job ran 2 times') });
    expect(page).toContain(`\`${token}\``);
  });

  test('start() alone: two processes run it once', async () => {
    expect(await exploreAll(startOnly)).toMatchObject({
      complete: true,
      classes: 6,
      violated: 0,
      conditions: [],
      ends: [{ returned: 6 }, { returned: 6 }],
    });
  });
});

test('agenda: two new processes make two jobs of one', async () => {
  const { printed, ...found } = await find(firstEvery);
  expect(found).toMatchObject({ token: 'v1:ABBA', verdict: violated('every() made 2 jobs') });
  expect(shownFor('agenda, every() of a new job, two processes')).toBe(printed);
});

test('migrate-mongo: a migration runs twice, with the lock on', async () => {
  const { printed, ...found } = await find(upTwice);
  const message = 'a price of 10 was raised by 5, to 20';
  expect(found).toMatchObject({ token: 'v1:AAAABBBBBBBBBAAAAA', verdict: violated(message) });
  expect(shownFor('migrate-mongo, up() twice')).toBe(printed);
});

test('@typegoose/auto-increment: of the first two saves, one is refused', async () => {
  const { printed, ...found } = await find(firstSave);
  expect(found).toMatchObject({ token: 'v1:ABBBBA', verdict: violated('a save was refused') });
  expect(shownFor('@typegoose/auto-increment, first save twice')).toBe(printed);
});

test('without the gate: the clean scenario holds, and the page counts all', async () => {
  const confirm = new CommandLine('examples/published-packages/confirm.ts', 'PUBLISHED_');
  const { code, stdout, stderr } = await confirm.run(['5'], { MONGODB_URI: uri });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const lines = stdout.trimEnd().split('\n');
  expect(lines).toContain('agenda, start() only, two processes: 0 of 5 rounds');
  expect(lines.map((line) => line.replace(/: \d of 5 rounds$/, ''))).toEqual(
    [...page.matchAll(/^(.*): \d+ of 300 rounds$/gm)].map(([, name]) => name),
  );
});

test('the README of the repository shows the same race', async () => {
  const readme = await read('../../README.md');
  const scenario = await read('auto-increment.ts');
  const [code = 'none'] = /(?<=^```ts\n).*?(?=^```$)/ms.exec(readme) ?? [];
  expect(scenario).toContain(code);
  expect(withoutTimes(readme)).toContain(shownFor('@typegoose/auto-increment, first save twice'));
});

test('the page shows code of the scenarios', async () => {
  const sources = await Promise.all(
    ['agenda.ts', 'agenda-first-start.ts', 'auto-increment.ts', 'migrate-mongo.ts'].map(read),
  );
  const flushLeft = (text: string): string => text.replaceAll(/^ +/gm, '').trim();
  const shown = [...page.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => flushLeft(code));
  expect(shown.length).toBeGreaterThan(2);
  for (const code of shown) expect(sources.map(flushLeft).join('\n')).toContain(code);
});
