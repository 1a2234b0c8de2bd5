import { GridFSBucket, MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';

/* One bad run is one result: the search, the session and what was found before survive it. */

const set = exploringSet();
const database = createTestDatabaseName('survive');
const control = new MongoClient(set.uri);
interface Row {
  readonly _id: string;
  readonly n?: number;
}
const rowsOf = (db: Db) => db.collection<Row>('rows');
beforeAll(async () => {
  await control.db(database).createCollection('rows');
});
afterAll(() => control.close());

type Flow = (client: FlowClient, db: Db) => Promise<unknown>;

const scenarioOf = (
  flow: Flow,
  options: Partial<InterleaveOptions<unknown>> = {},
): Promise<InterleaveSession<unknown>> =>
  interleave<unknown>({
    uri: set.uri,
    database,
    clients: 2,
    flow: (client, db) => flow(client, db),
    maxWaitMs: 5_000,
    reset: async (db) => {
      await rowsOf(db).deleteMany({});
      await rowsOf(db).insertOne({ _id: 'x', n: 0 });
    },
    check: () => undefined,
    ...options,
  });

const exploreAll = async (session: InterleaveSession<unknown>) => {
  const seen: string[] = [];
  const found = await session.explore({
    onClass: ({ token, verdict }) =>
      seen.push(`${token.length > 20 ? `${token.slice(0, 10)}...` : token} ${verdict.kind}`),
  });
  return { ...found, seen };
};

const plus = { $inc: { n: 1 } };

describe('a run that never ends is a violation, and the others are explored', () => {
  /** In a transaction, but for the second statement if B came first. */
  const forgets: Flow = async ({ letter, mongo }, db) => {
    if (letter === 'B') return rowsOf(db).updateOne({ _id: 'x' }, plus);
    const found = await rowsOf(db).findOne({ _id: 'x' });
    await using session = mongo.startSession();
    return await session.withTransaction(async () => {
      await rowsOf(db).updateOne({ _id: 'x' }, plus, { session });
      await rowsOf(db).updateOne({ _id: 'x' }, plus, found?.n === 1 ? {} : { session });
    });
  };

  test('a statement that forgot the session of its own transaction', async () => {
    await using session = await scenarioOf(forgets);
    const { seen, complete, violations, violated } = await exploreAll(session);
    expect(seen.toSorted()).toEqual(['v1:AAAAB valid', 'v1:ABAAA valid', 'v1:BAA violated']);
    expect({ complete, violated }).toEqual({ complete: true, violated: 1 });
    expect(violations).toMatchObject([
      {
        token: 'v1:BAA',
        outcomes: [{ kind: 'hanging' }, { kind: 'returned' }],
        verdict: {
          kind: 'violated',
          error: {
            code: 'never-ends',
            message: expect.stringContaining('A2 update rows waits for the open transaction of A'),
          },
        },
      },
    ]);
    expect(violations[0]?.trace).toHaveLength(3);
    expect(await session.run('v1:BAA')).toMatchObject({ token: 'v1:BAA', verdict: { error: { code: 'never-ends' } } });
    expect(await session.run('v1:AAAAB')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  /** Counts for ever if B came before it. */
  const counts: Flow = async ({ letter }, db) => {
    if (letter === 'B') return rowsOf(db).insertOne({ _id: 'b' });
    const isEndless = (await rowsOf(db).findOne({ _id: 'b' })) !== null;
    if (isEndless) for (;;) await rowsOf(db).updateOne({ _id: 'x' }, plus);
    return rowsOf(db).updateOne({ _id: 'x' }, plus);
  };

  test('maxSteps: the whole token, who repeats what, and the rest of the search', async () => {
    await using session = await scenarioOf(counts, { maxSteps: 30 });
    const { seen, complete, violations, conditions } = await exploreAll(session);
    expect(seen).toEqual(['v1:AAB valid', 'v1:BAAAAAA... violated']);
    expect({ complete, conditions }).toEqual({ complete: false, conditions: [{ kind: 'step-limit', runs: 1 }] });
    const [violation] = violations;
    expect(violation).toMatchObject({
      token: `v1:B${'A'.repeat(29)}`,
      verdict: {
        kind: 'violated',
        error: { code: 'never-ends', message: expect.stringMatching(/30 steps.*A repeats update rows/) },
      },
    });
    expect(await session.run(violation?.token ?? '')).toMatchObject({
      token: violation?.token,
      verdict: { kind: 'violated', error: { code: 'never-ends' } },
    });
  });

  test('a client that is never let in by an endless one has its orders explored all the same', async () => {
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        if (letter === 'A') for (;;) await rowsOf(db).updateOne({ _id: 'x' }, plus);
        return (await rowsOf(db).findOne({ _id: 'x' }))?.n;
      },
      { maxSteps: 20 },
    );
    const returned = new Set<unknown>();
    const { complete } = await session.explore({
      onClass: ({ outcomes: [, b] }) => void returned.add(b?.kind === 'returned' ? b.value : b?.kind),
    });
    expect(complete).toBe(false);
    expect([...returned]).toEqual(expect.arrayContaining(['hanging', 0]));
  });
});

describe('a run of unknown verdict', () => {
  test('a flow that waits in memory: told with token and trace, and the others are explored', async () => {
    let mine = Promise.withResolvers<void>();
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        const found = await rowsOf(db).findOneAndUpdate({ _id: 'x' }, plus);
        // Whoever is second waits for what nobody does.
        if (found?.n === 1 && letter === 'A') await mine.promise;
        return letter;
      },
      {
        maxWaitMs: 300,
        reset: async (db) => {
          mine = Promise.withResolvers();
          await rowsOf(db).deleteMany({});
          await rowsOf(db).insertOne({ _id: 'x', n: 0 });
        },
      },
    );
    const { seen, complete, violations, conditions } = await exploreAll(session);
    expect(seen).toEqual(['v1:AB valid', 'v1:BA unknown']);
    expect({ complete, conditions }).toEqual({ complete: false, conditions: [{ kind: 'unknown', runs: 1 }] });
    expect(violations).toMatchObject([
      {
        token: 'v1:BA',
        trace: [{ client: 1 }, { client: 0 }],
        verdict: {
          kind: 'unknown',
          error: { code: 'watchdog', message: expect.stringMatching(/300 ms for A to send.*mutex/) },
        },
      },
    ]);
    expect(await session.run('v1:BA')).toMatchObject({ verdict: { kind: 'unknown', error: { code: 'watchdog' } } });
    expect(await session.run('v1:AB')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  test('a command that the server does not answer in time is ended in the server', async () => {
    let isSlow = true;
    await using session = await scenarioOf(
      (_client, db) =>
        rowsOf(db)
          .find(isSlow ? { $where: 'sleep(20000) || true' } : {})
          .toArray(),
      { clients: 1, maxWaitMs: 400 },
    );
    expect(await session.run('v1:A')).toMatchObject({
      token: 'v1:A',
      verdict: { kind: 'unknown', error: { code: 'watchdog', message: expect.stringContaining('answer "find" of A') } },
    });
    const running = await control
      .db('admin')
      .aggregate([{ $currentOp: {} }, { $match: { ns: `${database}.rows`, op: 'query' } }])
      .toArray();
    expect(running).toEqual([]);
    isSlow = false;
    expect(await session.run('v1:A')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  test('what a frozen flow does later never reaches a later run', async () => {
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        runs++;
        await rowsOf(db).findOne({ _id: 'x' });
        // Of the first two runs, of which one is the rehearsal.
        if (runs <= 4 && letter === 'A') {
          await gate.promise;
          await rowsOf(db).insertOne({ _id: `late ${runs}` });
        }
        return letter;
      },
      {
        maxWaitMs: 300,
        check: async (db) => {
          gate.resolve();
          await new Promise((resolve) => setTimeout(resolve, 50));
          expect(await rowsOf(db).findOne({})).toEqual({ _id: 'x', n: 0 });
        },
      },
    );
    expect(await session.run('v1:AB')).toMatchObject({ verdict: { kind: 'unknown' } });
    for (let time = 0; time < 3; time++)
      expect(await session.run('v1:AB')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  test('a flow that tries again after every error does not go round for ever when it is frozen', async () => {
    let attempts = 0;
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        if (letter === 'B') return rowsOf(db).insertOne({ _id: 'b' });
        for (;;) {
          attempts++;
          try {
            await rowsOf(db).updateOne({ _id: 'x' }, plus);
          } catch {
            // and again
          }
        }
      },
      { maxSteps: 5 },
    );
    await session.explore({ maxRuns: 5 });
    expect(attempts).toBeLessThan(200);
  });

  test('a flow that closes its client with a command under way', async () => {
    await using session = await scenarioOf(async ({ letter, mongo }, db) => {
      if (letter === 'B') return rowsOf(db).updateOne({ _id: 'x' }, plus);
      const found = await rowsOf(db).findOne({ _id: 'x' });
      if (found?.n === 0) return 'A';
      const underWay = rowsOf(db).updateOne({ _id: 'x' }, plus);
      underWay.catch(() => undefined);
      await mongo.close();
      return 'closed';
    });
    const { seen } = await exploreAll(session);
    expect(seen).toContain('v1:AB valid');
    expect(seen.length).toBeGreaterThan(1);
    expect(await session.run('v1:AB')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  test('a hundred of them leave no connection', { timeout: 120_000 }, async () => {
    const connections = async (): Promise<number> =>
      ((await control.db('admin').command({ serverStatus: 1 })) as { connections: { current: number } }).connections
        .current;
    const before = await connections();
    {
      await using session = await scenarioOf(async ({ letter }, db) => {
        while ((await rowsOf(db).findOne({ _id: 'never' })) === null);
        return letter;
      });
      for (let run = 0; run < 100; run++) {
        const { verdict } = await session.run({ clients: [0, 1], switches: [], faults: [] });
        expect(verdict.kind).toBe('violated');
      }
      expect(await connections()).toBeLessThan(before + 40);
    }
    // Each of them would leave several. The test's own client may have opened one more.
    await expect.poll(connections, { timeout: 10_000 }).toBeLessThan(before + 10);
  });
});

describe('a command that comes after the end of its flow', () => {
  const late = (name: string) => ({
    kind: 'unknown',
    error: {
      code: 'late-command',
      message: expect.stringMatching(new RegExp(`A sent "${name}" on rows after its flow.*await`)),
    },
  });

  test('fire and forget', async () => {
    await using session = await scenarioOf(async ({ letter }, db) => {
      await rowsOf(db).findOne({ _id: 'x' });
      if (letter === 'A') void rowsOf(db).insertOne({ _id: 'late' });
      return letter;
    });
    const { violations, complete, classes } = await session.explore();
    expect(violations.map(({ verdict }) => verdict)).toMatchObject([late('insert')]);
    expect({ complete, classes }).toEqual({ complete: false, classes: 1 });
  });

  test.each([2, 30])('a timer of %i ms, which fires in the run or after it', async (delayMs) => {
    const timers: Promise<void>[] = [];
    let isRehearsal = true;
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        await rowsOf(db).findOne({ _id: 'x' });
        // A timer of the rehearsal would fire in the middle of the run.
        if (letter === 'A' && !isRehearsal) {
          const fired = Promise.withResolvers<void>();
          timers.push(fired.promise);
          setTimeout(() => {
            void rowsOf(db).updateOne({ _id: 'x' }, plus);
            fired.resolve();
          }, delayMs);
        }
        return letter;
      },
      {
        check: async (db) => {
          await Promise.all(timers);
          await new Promise((resolve) => setTimeout(resolve, 100));
          expect(await rowsOf(db).findOne({})).toEqual({ _id: 'x', n: 0 });
        },
      },
    );
    await session.run('v1:B');
    isRehearsal = false;
    expect(await session.run('v1:AB')).toMatchObject({ token: 'v1:AB', verdict: late('update') });
    expect(await session.run('v1:B')).toMatchObject({ token: 'v1:B', verdict: { kind: 'valid' } });
  });

  test('but not the commands that were sent together with one that failed', async () => {
    await using session = await scenarioOf(
      async (_client, db) => {
        await Promise.all([rowsOf(db).insertOne({ _id: 'x' }), rowsOf(db).insertOne({ _id: 'y' })]);
      },
      { clients: 1, mayAllThrow: true },
    );
    expect(await exploreAll(session)).toMatchObject({ classes: 2, violations: [] });
  });

  test('a trailing unacknowledged write', async () => {
    await using session = await scenarioOf(async (_client, db) => {
      await rowsOf(db).findOne({ _id: 'x' });
      await rowsOf(db).insertOne({ _id: 'y' }, { writeConcern: { w: 0 } });
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({ code: 'unsupported-protocol', message: expect.stringContaining('w: 0') }),
    );
  });
});

test('maxDurationMs holds in the middle of a run, which is then not counted', async () => {
  await using session = await scenarioOf(
    async (_client, db) => {
      for (;;) await rowsOf(db).updateOne({ _id: 'x' }, plus);
    },
    { maxSteps: 1_000_000 },
  );
  const startedMs = performance.now();
  expect(await session.explore({ maxDurationMs: 500 })).toMatchObject({ runs: 0, complete: false, violations: [] });
  expect(await session.sample({ strategy: 'random', maxDurationMs: 500 })).toMatchObject({ runs: 0, violations: [] });
  expect(performance.now() - startedMs).toBeLessThan(4_000);
});

describe('the first run is a rehearsal', () => {
  test('collections and indexes that a flow makes once', async () => {
    const fresh = `${database}_fresh`;
    await control.db(fresh).dropDatabase();
    await using session = await interleave({
      uri: set.uri,
      database: fresh,
      clients: 2,
      reset: async (db) => {
        for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray())
          await db.collection(name).deleteMany({});
      },
      flow: async ({ letter }, db) => {
        const upload = new GridFSBucket(db).openUploadStream(letter);
        upload.end(Buffer.from(letter));
        await new Promise((resolve, reject) => upload.once('finish', resolve).once('error', reject));
        return letter;
      },
      check: () => undefined,
    });
    const { violations, complete, classes } = await session.explore();
    expect({ violations, complete }).toEqual({ violations: [], complete: true });
    expect(classes).toBeGreaterThan(1);
    await control.db(fresh).dropDatabase();
  });

  test('what the second run still finds otherwise is said to come from the start state or the program', async () => {
    let runs = 0;
    await using session = await scenarioOf(
      async (_client, db) => {
        // The rehearsal is the first.
        if (runs === 2) await rowsOf(db).countDocuments({});
        await rowsOf(db).updateOne({ _id: 'x' }, plus);
      },
      {
        reset: async (db) => {
          runs++;
          await rowsOf(db).deleteMany({});
          await rowsOf(db).insertOne({ _id: 'x', n: 0 });
        },
      },
    );
    const { violations } = await session.explore();
    expect(violations).toMatchObject([
      {
        verdict: {
          kind: 'unknown',
          error: { code: 'diverged', message: expect.stringMatching(/indexes.*reset.*prepare/) },
        },
      },
    ]);
  });
});
