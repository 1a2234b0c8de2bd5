import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { foundBefore, interleave, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';

/* A file that holds no search, or that of another scenario, is refused, and left as it is. */

const set = exploringSet();
const database = createTestDatabaseName('checkpoint');
const control = new MongoClient(set.uri);
const folder = await mkdtemp(join(tmpdir(), 'mongo-interleave-'));
const rowsOf = (db: Db) => db.collection<{ _id: string; n: number }>('rows');
beforeAll(async () => {
  await control.db(database).createCollection('rows');
});
afterAll(async () => {
  await control.close();
  await rm(folder, { recursive: true });
});

async function reset(db: Db): Promise<void> {
  await rowsOf(db).deleteMany({});
  await rowsOf(db).insertOne({ _id: 'x', n: 0 });
}
async function increment(db: Db): Promise<void> {
  const found = await rowsOf(db).findOne({ _id: 'x' });
  await rowsOf(db).updateOne({ _id: 'x' }, { $set: { n: (found?.n ?? 0) + 1 } });
}

const open = (changes: Partial<InterleaveOptions<unknown, never>> = {}): Promise<InterleaveSession<unknown>> =>
  interleave<unknown, never>({
    uri: set.uri,
    database,
    clients: 2,
    reset: async (db) => reset(db),
    flow: async (_client, db) => increment(db),
    check: () => undefined,
    ...changes,
  });

/** A file with the first class of a search. */
async function saved(name: string, changes: Partial<InterleaveOptions<unknown, never>> = {}): Promise<string> {
  const checkpointFile = join(folder, name);
  await using session = await open(changes);
  await session.explore({ checkpointFile, maxRuns: 1 });
  expect(existsSync(checkpointFile)).toBe(true);
  return checkpointFile;
}

const refusal = (message: RegExp) =>
  expect.objectContaining({ code: 'invalid-option', message: expect.stringMatching(message) });

describe('a file that holds no search', () => {
  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    ['a text', (file) => writeFile(file, 'my notes\n'), /^The checkpoint \S.* is no checkpoint\..*[Dd]elete/],
    ['an empty file', (file) => writeFile(file, ''), /is no checkpoint/],
    ['a folder', (file) => mkdir(file), /is a folder/],
  ])('%s', async (what, make, message) => {
    const checkpointFile = join(folder, what);
    await make(checkpointFile);
    await using session = await open();
    await expect(session.explore({ checkpointFile })).rejects.toThrow(refusal(message));
    expect(existsSync(checkpointFile)).toBe(true);
    expect(await session.explore()).toMatchObject({ complete: true });
  });

  test('the beginning of a checkpoint', async () => {
    const checkpointFile = await saved('torn');
    const content = await readFile(checkpointFile);
    for (const length of [1, 3, Math.floor(content.length / 2), content.length - 1]) {
      await writeFile(checkpointFile, content.subarray(0, length));
      await using session = await open();
      await expect(session.explore({ checkpointFile })).rejects.toThrow(refusal(/is no checkpoint/));
    }
  });

  test('in a folder that is missing: told before anything is run', async () => {
    let runs = 0;
    await using session = await open({
      reset: async (db) => {
        runs++;
        await reset(db);
      },
    });
    await expect(session.explore({ checkpointFile: join(folder, 'none', 'file') })).rejects.toThrow(
      refusal(/none\/file.*folder/),
    );
    expect(runs).toBe(0);
  });

  test('in a folder that goes away: told with what was found', async () => {
    const gone = join(folder, 'gone');
    await mkdir(gone);
    await using session = await open();
    const exploring = session.explore({
      checkpointFile: join(gone, 'file'),
      maxRuns: 2,
      onProgress: ({ runs }) => (runs === 1 ? rm(gone, { recursive: true }) : undefined),
    });
    const error: unknown = await exploring.catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'invalid-option', message: expect.stringMatching(/gone\/file.*ENOENT/) });
    expect(foundBefore(error)).toMatchObject({ classes: 2, complete: false });
  });
});

describe('a file of another scenario', () => {
  test.each<[string, Partial<InterleaveOptions<unknown, never>>, RegExp]>([
    [
      'another check',
      { check: async (db) => expect(await rowsOf(db).findOne({})).not.toBeNull() },
      /other scenario: check has changed/,
    ],
    [
      'another reset',
      {
        reset: async (db) => {
          await reset(db);
          await rowsOf(db).insertOne({ _id: 'y', n: 0 });
        },
      },
      /reset has changed/,
    ],
    ['another flow', { flow: async (_client, db) => rowsOf(db).findOne({}) }, /flow has changed/],
    ['an onStep', { onStep: () => undefined }, /onStep has changed/],
    ['other options', { maxSteps: 5, retriesAtOnce: 1 }, /retriesAtOnce, maxSteps have changed/],
    ['other options of the driver', { clientOptions: { retryWrites: false } }, /clientOptions has changed/],
  ])('%s', async (what, changes, message) => {
    const checkpointFile = await saved(what);
    const before = await readFile(checkpointFile);
    await using session = await open(changes);
    await expect(session.explore({ checkpointFile })).rejects.toThrow(refusal(message));
    expect(await readFile(checkpointFile)).toEqual(before);
    await using same = await open();
    expect(await same.explore({ checkpointFile })).toMatchObject({ complete: true, classes: 4 });
  });

  test('a flow that calls another function: the first run shows it', async () => {
    let isOther = false;
    const flow: InterleaveOptions<unknown, never>['flow'] = async (_client, db) => {
      if (isOther) await rowsOf(db).countDocuments({});
      await increment(db);
    };
    const checkpointFile = await saved('inner', { flow });
    const before = await readFile(checkpointFile);
    isOther = true;
    await using session = await open({ flow });
    await expect(session.explore({ checkpointFile })).rejects.toThrow(refusal(/belongs to another flow.*aggregate/));
    expect(await readFile(checkpointFile)).toEqual(before);
  });
});

test('an error that ends the search leaves a checkpoint from which it goes on', async () => {
  const checkpointFile = join(folder, 'goes on');
  const tokens: string[] = [];
  let isBroken = false;
  const options: Partial<InterleaveOptions<unknown, never>> = {
    reset: async (db) => {
      if (isBroken) throw new Error('lost');
      await reset(db);
    },
  };
  const onClass = ({ token }: { readonly token: string }): void => {
    tokens.push(token);
    isBroken = tokens.length === 2;
  };
  await using first = await open(options);
  await expect(first.explore({ checkpointFile, onClass })).rejects.toThrow(
    expect.objectContaining({ code: 'reset-failed' }),
  );
  isBroken = false;
  await using second = await open(options);
  expect(await second.explore({ checkpointFile, onClass })).toMatchObject({ complete: true, classes: 4 });
  expect(new Set(tokens).size).toBe(4);
  expect(tokens).toHaveLength(4);
});
