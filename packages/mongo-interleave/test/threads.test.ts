import { MongoClient } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inThreads, interleave, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';
import * as numbered from './support/flows/numbered.ts';
import * as severalAtOnce from './support/flows/several-at-once.ts';

/* Each client in a thread of its own: two clients in one process share the state of its modules, two processes don't. */

const set = exploringSet();
const database = createTestDatabaseName('threads');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('c');
});
afterAll(() => control.close());

interface Counted {
  readonly _id: string;
  readonly n: number;
}

const open = <T, P>(
  options: Pick<InterleaveOptions<T, P>, 'flow' | 'prepare' | 'dispose' | 'freshLives'>,
): Promise<InterleaveSession<T>> =>
  interleave<T, P>({
    uri: set.uri,
    database,
    clients: 2,
    reset: async (db) => {
      await db.collection('c').deleteMany({});
      await db.collection<Counted>('c').insertMany(['a', 'b', 'c'].map((_id) => ({ _id, n: 0 })));
    },
    check: (_db, outcomes) => {
      for (const outcome of outcomes) if (outcome.kind === 'threw') throw outcome.error;
    },
    ...options,
  });

const moduleOf = (name: string): URL => new URL(`./support/flows/${name}.ts`, import.meta.url);

test('ids of a counter in memory are unique in one process, and not in two', async () => {
  await using together = await open({ flow: (client, db) => numbered.flow(client, db, undefined) });
  expect(await together.explore()).toMatchObject({ complete: true, violations: [] });
  await using apart = await open({ ...inThreads<number>(moduleOf('numbered')), freshLives: true });
  const { complete, violations } = await apart.explore();
  expect(complete).toBe(true);
  expect(violations.length).toBeGreaterThan(0);
  // An error comes with its fields.
  expect(violations[0]?.verdict).toMatchObject({ kind: 'violated', error: { code: 11000, name: 'MongoServerError' } });
});

test('with freshLives, nothing is left in memory from run to run; without, the threads go on', async () => {
  const secondRun = async (freshLives: boolean): Promise<unknown> => {
    await using session = await open({ ...inThreads<number>(moduleOf('numbered')), freshLives });
    await session.run('v1:A');
    const { outcomes } = await session.run('v1:A');
    return outcomes[0];
  };
  const [fresh, old] = [await secondRun(true), await secondRun(false)] as { value: number }[];
  expect(fresh?.value).toBeLessThan(old?.value ?? 0);
});

test('several commands at once of a thread: the same classes as in the process of the test', async () => {
  await using here = await open({
    prepare: (client, db) => severalAtOnce.prepare(client, db),
    flow: (client, db, own) => severalAtOnce.flow(client, db, own),
  });
  const expected = await here.explore();
  await using apart = await open(inThreads<string>(moduleOf('several-at-once')));
  const found = await apart.explore();
  expect(found).toMatchObject({ complete: true, classes: expected.classes });
});

test('a crash ends the thread, and the next life begins in a new one', async () => {
  await using session = await open(inThreads<string>(moduleOf('several-at-once')));
  const { outcomes } = await session.run('v1:B*B');
  expect(outcomes[1]).toEqual({ kind: 'returned', value: 'B1' });
});

test('a module that can not be loaded fails prepare', async () => {
  await using session = await open(inThreads<string>(moduleOf('none')));
  await expect(session.explore()).rejects.toThrow(
    expect.objectContaining({
      code: 'prepare-failed',
      message: expect.stringMatching(/^prepare of client A threw Error: Cannot find/),
    }),
  );
});
