import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serialize } from 'node:v8';
import { MongoClient, type Collection, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type InterleaveOptions, type InterleaveSession, type Progress } from '../src/index.ts';
import { checkedClaim, createCollections, rotationScenario } from './support/rotation.ts';

const set = exploringSet();
const database = createTestDatabaseName('options');
const WORKERS = 3;
const databases = [database, ...Array.from({ length: WORKERS - 1 }, (_, index) => `${database}_${index + 2}`)];
const control = new MongoClient(set.uri);
const folder = await mkdtemp(join(tmpdir(), 'mongo-interleave-'));
beforeAll(() => Promise.all(databases.map((name) => createCollections(control.db(name)))));
afterAll(async () => {
  await Promise.all(databases.slice(1).map((name) => control.db(name).dropDatabase()));
  await control.close();
  await rm(folder, { recursive: true });
});

const rotations = (options: Partial<InterleaveOptions<string>> = {}): Promise<InterleaveSession<string>> =>
  interleave({ uri: set.uri, database, clients: 2, flow: checkedClaim, ...rotationScenario, ...options });

/** All the classes of checked-claim with three clients. */
const THREE_CLIENTS = { classes: 81, complete: true };

describe('maxPreemptions', () => {
  // By hand: A or B begins; with none it runs to its end. With one, it is interrupted after 1 to 5 of its 6 commands.
  test.each([
    [0, 2],
    [1, 12],
    [2, 42],
  ])('%i: each schedule of the bound, and no other', async (maxPreemptions, count) => {
    await using scenario = await rotations();
    const seen: number[] = [];
    const { classes, redundant, complete } = await scenario.explore({
      maxPreemptions,
      onClass: ({ preemptions }) => seen.push(preemptions),
    });
    expect({ classes, redundant, complete }).toEqual({ classes: count, redundant: 0, complete: true });
    expect(Math.max(...seen)).toBe(maxPreemptions);
  });
});

describe('twice', () => {
  test('finds nothing where only the schedule decides', async () => {
    await using scenario = await rotations();
    expect(await scenario.explore({ twice: true })).toMatchObject({ classes: 10, redundant: 0 });
  });

  test('another reply the second time is neither a pass nor a failure, and is shown', async () => {
    let resets = 0;
    await using scenario = await rotations({
      clients: 1,
      reset: async (db) => {
        await rotationScenario.reset(db);
        // The rehearsal takes the first.
        if (resets++ % 2 === 0) await db.collection<{ _id: string }>('backups').deleteOne({ _id: 'b1' });
      },
    });
    await expect(scenario.explore({ twice: true })).rejects.toThrow(
      expect.objectContaining({ code: 'nondeterministic', message: expect.stringMatching(/_id "b1".*_id "b2"/) }),
    );
  });

  test('other commands the second time', async () => {
    let calls = 0;
    await using scenario = await rotations({
      clients: 1,
      flow: async (_client, db) => {
        const keys = db.collection('keys');
        await (calls++ % 2 === 1 ? keys.findOne({}) : keys.countDocuments({}));
        return 'rotated';
      },
      check: () => undefined,
    });
    await expect(scenario.explore({ twice: true })).rejects.toThrow(
      expect.objectContaining({ code: 'nondeterministic', message: expect.stringMatching(/find.*aggregate/) }),
    );
  });
});

describe('twice, and what decides nothing', () => {
  const notes = (db: Db) => db.collection<Note>('notes');
  interface Note {
    readonly _id: string;
    readonly at?: Date | number;
    readonly token?: string;
  }
  const CLEAN = { complete: true, violated: 0 };

  /** Explores each schedule twice. `run` counts the runs, from 1: each second one repeats the one before it. */
  const explore = async (
    flow: (notes: Collection<Note>, run: number, letter: string) => Promise<unknown>,
    check: (run: number) => void = () => undefined,
  ): Promise<typeof CLEAN> => {
    let run = 0;
    await using session = await interleave<unknown>({
      uri: set.uri,
      database,
      clients: 2,
      reset: async (db) => {
        run++;
        await notes(db).deleteMany({});
        await notes(db).insertOne({ _id: 'n' });
      },
      flow: ({ letter }, db) => flow(notes(db), run, letter),
      check: () => check(run),
    });
    const { complete, violations } = await session.explore({ twice: true });
    return { complete, violated: violations.length };
  };
  const randomToken = (): string => randomBytes(16).toString('hex');

  test('a time that is stored: a second write in one millisecond changes nothing', async () => {
    const flow = (all: Collection<Note>, run: number, letter: string): Promise<unknown> =>
      all.updateOne({ _id: 'n' }, { $set: { at: new Date(run % 2 === 0 ? 0 : run * 1_000 + letter.charCodeAt(0)) } });
    expect(await explore(async (...given) => void (await flow(...given)))).toEqual(CLEAN);
  });

  test('a time as a number, and a document that is returned with it', async () => {
    let now = 0;
    const flow = async (all: Collection<Note>): Promise<unknown> =>
      all.findOneAndUpdate({ _id: 'n' }, { $set: { at: now++ } });
    expect(await explore(flow)).toEqual(CLEAN);
  });

  test('a random token that is stored, read again and returned', async () => {
    const flow = async (all: Collection<Note>): Promise<unknown> => {
      await all.updateOne({ _id: 'n' }, { $set: { token: randomToken() } });
      return (await all.findOne({ _id: 'n' }))?.token;
    };
    expect(await explore(flow)).toEqual(CLEAN);
  });

  test('a random token that is the id of a document', async () => {
    const flow = async (all: Collection<Note>): Promise<unknown> => {
      const _id = randomToken();
      await all.insertOne({ _id });
      return all.findOne({ _id });
    };
    expect(await explore(flow)).toEqual(CLEAN);
  });

  test.each<[string, Parameters<typeof explore>, RegExp]>([
    [
      'which document it is',
      [async (all, run) => all.findOne({ _id: run % 2 === 0 ? 'n' : 'm' })],
      /_id "n".*0 doc|0 doc.*_id "n"/,
    ],
    [
      'an error',
      [async (all, run) => all.insertOne({ _id: run % 2 === 0 ? 'n' : `m${Math.ceil(run / 2)}` })],
      /n=1.*E11000|E11000.*n=1/,
    ],
    [
      'a collection',
      [async (all, run) => all.db.collection(run % 2 === 0 ? 'ones' : 'others').findOne({})],
      /could not be run|find ones.*find others|find others.*find ones/,
    ],
    [
      'what a flow answers',
      [
        async (all, run) => {
          await all.findOne({});
          return run % 2 === 0 ? 'won' : 'lost';
        },
      ],
      /at "A returned "\.\.\."", in a value that is not shown/,
    ],
    [
      'the verdict',
      [
        async (all) => all.findOne({}),
        (run) => {
          if (run % 2 === 0) throw new Error('lost');
        },
      ],
      /"valid".*"violated: lost"|"violated: lost".*"valid"/,
    ],
    [
      'the failure',
      [
        async (all) => all.findOne({}),
        (run) => {
          throw new Error(run % 2 === 0 ? 'lost' : 'given out twice');
        },
      ],
      /violated: given out twice.*violated: lost|violated: lost.*violated: given out twice/,
    ],
  ])('but %s counts', async (_what, given, message) => {
    await expect(explore(...given)).rejects.toThrow(
      expect.objectContaining({ code: 'nondeterministic', message: expect.stringMatching(message) }),
    );
  });
});

describe('workers', () => {
  test('several databases share the classes: each once', { timeout: 120_000 }, async () => {
    await using scenario = await rotations({ clients: 3 });
    const tokens: string[] = [];
    const found = await scenario.explore({
      workers: WORKERS,
      maxDurationMs: 100_000,
      onClass: ({ token }) => tokens.push(token),
    });
    expect(found).toMatchObject({ classes: THREE_CLIENTS.classes, complete: true });
    expect(found.fractionDone).toBeCloseTo(1);
    expect(new Set(tokens).size).toBe(THREE_CLIENTS.classes);
  });

  test('a failure of one that stays ends all', async () => {
    let resets = 0;
    await using scenario = await rotations({
      clients: 3,
      reset: async (db) => {
        if (resets++ >= 10) throw new Error('reset failed');
        await rotationScenario.reset(db);
      },
    });
    await expect(scenario.explore({ workers: WORKERS })).rejects.toThrow('reset failed');
    expect(resets).toBeLessThanOrEqual(10 + 3 * WORKERS);
  });

  test.each([0, 1.5, 65])('%d is refused', async (workers) => {
    await using scenario = await rotations();
    await expect(scenario.explore({ workers })).rejects.toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

describe('checkpointFile', () => {
  test('a search that was ended goes on where it was, also with more workers', { timeout: 120_000 }, async () => {
    const checkpointFile = join(folder, 'checkpoint');
    const tokens: string[] = [];
    const onClass = ({ token }: { token: string }): void => void tokens.push(token);
    for (const [workers, maxRuns] of [
      [1, 20],
      [2, 50],
    ] as const) {
      await using scenario = await rotations({ clients: 3 });
      const part = await scenario.explore({ checkpointFile, workers, maxRuns, onClass });
      expect(part.complete).toBe(false);
      expect(part.runs).toBeGreaterThanOrEqual(maxRuns);
    }
    await using scenario = await rotations({ clients: 3 });
    const whole = await scenario.explore({ checkpointFile, onClass, maxDurationMs: 100_000 });
    expect(whole).toMatchObject({ classes: THREE_CLIENTS.classes, complete: true });
    expect(whole).toMatchObject({
      violated: 78,
      ends: Array.from({ length: 3 }, () => ({ returned: 81, threw: 0, hanging: 0 })),
    });
    expect([tokens.length, new Set(tokens).size]).toEqual([THREE_CLIENTS.classes, THREE_CLIENTS.classes]);
    expect(existsSync(checkpointFile)).toBe(false);
  });

  test('that of an older format is refused', async () => {
    const checkpointFile = join(folder, 'old');
    const counts = { classes: 1, cut: 0, fractionDone: 0.5 };
    await writeFile(checkpointFile, serialize({ search: '{}', state: { counts, violations: [], searches: [[]] } }));
    await using scenario = await rotations();
    await expect(scenario.explore({ checkpointFile })).rejects.toThrow(
      expect.objectContaining({
        code: 'invalid-option',
        message: expect.stringMatching(/old has format version 1, not 5/),
      }),
    );
  });

  test('that of another exploration is refused', async () => {
    const checkpointFile = join(folder, 'other');
    await using scenario = await rotations();
    await scenario.explore({ checkpointFile, maxRuns: 1 });
    await expect(scenario.explore({ checkpointFile, maxPreemptions: 1 })).rejects.toThrow(
      expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining(checkpointFile) }),
    );
  });
});

test('onProgress hears of each run, and the fraction only grows', async () => {
  await using scenario = await rotations();
  const heard: Progress[] = [];
  await scenario.explore({ onProgress: (progress) => heard.push(progress) });
  expect(heard.map(({ runs }) => runs)).toEqual(Array.from({ length: 10 }, (_, index) => index + 1));
  const fractions = heard.map(({ fractionDone }) => fractionDone);
  expect(fractions).toEqual(fractions.toSorted((one, other) => one - other));
  expect(fractions.at(-1)).toBeCloseTo(1);
});

test('tokenFile holds the token of the schedule being run before each step', async () => {
  const tokenFile = join(folder, 'token');
  const seen: string[] = [];
  await using scenario = await rotations({
    tokenFile,
    flow: async (client, db) => {
      const outcome = await checkedClaim(client, db);
      const [first = ''] = (await readFile(tokenFile, 'utf8')).split('\n');
      seen.push(first);
      return outcome;
    },
  });
  await scenario.run('v1:AAAAAAB');
  seen.length = 0;
  await scenario.run('v1:AABBBBBBAA');
  expect(seen).toEqual(['v1:AABBBBBB', 'v1:AABBBBBBAA']);
  await scenario.run('v1:AAAAAAB');
  expect(seen.slice(2)).toEqual(['v1:AAAAAA', 'v1:AAAAAAB']);
});

test('a recorded run is replayed only with the same command at each step', async () => {
  let collection = 'keys';
  await using scenario = await rotations({
    clients: 1,
    flow: async (_client, db) => {
      await db.collection(collection).findOne({});
      return 'rotated';
    },
    check: () => undefined,
  });
  const recorded = await scenario.run('v1:A');
  expect(await scenario.run(recorded)).toEqual(recorded);
  collection = 'backups';
  expect(await scenario.run(recorded.token)).toMatchObject({ token: 'v1:A' });
  await expect(scenario.run(recorded)).rejects.toThrow(
    expect.objectContaining({ code: 'diverged', message: expect.stringMatching(/was find keys.*A0 find backups/) }),
  );
});

test('onStep sees what is committed after each step', async () => {
  const seen: string[] = [];
  await using scenario = await rotations({
    onStep: async ({ command }, db) => {
      seen.push(`${command} ${await db.collection('backups').countDocuments({ isUsed: true })}`);
    },
  });
  await scenario.run('v1:AABBAAAABB');
  expect(seen).toEqual([
    'find 0',
    'findAndModify 1',
    'find 1',
    'findAndModify 2',
    'delete 2',
    'delete 2',
    'insert 2',
    'insert 2',
    'delete 2',
    'delete 2',
  ]);
});

test.each(['onStep', 'check', 'reset'] as const)(
  'closed in the middle of %s: stopped, and no verdict',
  async (place) => {
    const closeInside = async (db: Db): Promise<void> => {
      void scenario.close();
      await db.collection('keys').findOne({});
    };
    await using scenario = await rotations({
      ...(place === 'onStep' ? { onStep: (_step, db) => closeInside(db) } : {}),
      ...(place === 'check' ? { check: closeInside } : {}),
      ...(place === 'reset' ? { reset: closeInside } : {}),
    });
    await expect(scenario.run('v1:AAAAAAB')).rejects.toThrow(expect.objectContaining({ code: 'stopped' }));
  },
);
