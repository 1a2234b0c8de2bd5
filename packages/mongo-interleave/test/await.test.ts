import { MongoClient, MongoServerError, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { interleave, type FlowClient, type InterleaveOptions, type InterleaveSession } from '../src/index.ts';

/* Flows that wait: a client that only repeats itself awaits a change of what it reads. */

const set = exploringSet();
const database = createTestDatabaseName('await');
const control = new MongoClient(set.uri);
interface Row {
  readonly _id: string;
  readonly n?: number;
  readonly owner?: string | null;
}
const rowsOf = (db: Db) => db.collection<Row>('rows');
beforeAll(async () => {
  await control.db(database).createCollection('rows');
});
afterAll(() => control.close());

type Flow<T> = (client: FlowClient, db: Db) => Promise<T>;

const scenarioOf = <T>(
  flow: Flow<T>,
  { clients = 2, rows = [], ...options }: Partial<InterleaveOptions<T>> & { readonly rows?: readonly Row[] } = {},
): Promise<InterleaveSession<T>> =>
  interleave<T>({
    uri: set.uri,
    database,
    clients,
    flow: (client, db) => flow(client, db),
    reset: async (db) => {
      await rowsOf(db).deleteMany({});
      if (rows.length > 0) await rowsOf(db).insertMany([...rows]);
    },
    check: () => undefined,
    ...options,
  });

const tokensOf = async <T>(session: InterleaveSession<T>) => {
  const tokens: string[] = [];
  const found = await session.explore({ onClass: ({ token }) => tokens.push(token) });
  return { ...found, tokens };
};

const endless = { repetitions: 25, kind: 'awaits' };

describe('polling until a document is there', () => {
  const poll = async (db: Db): Promise<string> => {
    while ((await rowsOf(db).findOne({ _id: 'r' })) === null);
    return 'seen';
  };

  test.each([
    ['A', 0, ['v1:ABA', 'v1:BA']],
    ['B', 1, ['v1:AB', 'v1:BAB']],
  ])('as client %s: it polls before the insert and after it, and not once more', async (_letter, poller, expected) => {
    await using session = await scenarioOf(async ({ index }, db) => {
      if (index === poller) return poll(db);
      await rowsOf(db).insertOne({ _id: 'r' });
      return 'inserted';
    });
    const { tokens, complete, violations, conditions } = await tokensOf(session);
    expect({ tokens: tokens.toSorted(), complete, violations }).toEqual({
      tokens: expected,
      complete: true,
      violations: [],
    });
    expect(conditions).toEqual([{ ...endless, client: poller, commands: ['find rows'] }]);
  });

  test('what the poll does not read does not wake it', async () => {
    await using session = await scenarioOf(async ({ index }, db) => {
      if (index === 0) return poll(db);
      await rowsOf(db).insertOne({ _id: 'other' });
      await rowsOf(db).updateOne({ _id: 'other' }, { $set: { n: 1 } });
      await rowsOf(db).insertOne({ _id: 'r' });
      return 'inserted';
    });
    expect(await tokensOf(session)).toMatchObject({ classes: 2, complete: true });
  });

  test('two pollers, and in an outline, in samples and in the grid', async () => {
    await using session = await scenarioOf(
      async ({ index }, db) => {
        if (index < 2) return poll(db);
        await rowsOf(db).insertOne({ _id: 'r' });
        return 'inserted';
      },
      { clients: 3 },
    );
    expect(await tokensOf(session)).toMatchObject({ classes: 4, complete: true, violations: [] });
    const { token } = await session.run({ clients: [0, 1, 2], switches: [], faults: [] });
    expect(token).toBe('v1:ABCAB');
    expect(await session.run(token)).toMatchObject({ token, verdict: { kind: 'valid' } });
    const sampling = await session.sample({ strategy: 'random', seed: 1, maxRuns: 10 });
    expect(sampling).toMatchObject({ runs: 10, violations: [], conditions: [{ kind: 'awaits' }, { kind: 'awaits' }] });
  });
});

describe('a lock that is tried again and again', () => {
  const rows = [{ _id: 'lock', owner: null }];
  const holders = { now: 0, most: 0 };
  const inside = async (db: Db): Promise<void> => {
    holders.most = Math.max(holders.most, ++holders.now);
    await rowsOf(db).updateOne({ _id: 'counter' }, { $inc: { n: 1 } }, { upsert: true });
    holders.now--;
  };

  test('with findAndModify', async () => {
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        while ((await rowsOf(db).findOneAndUpdate({ _id: 'lock', owner: null }, { $set: { owner: letter } })) === null);
        await inside(db);
        await rowsOf(db).updateOne({ _id: 'lock' }, { $set: { owner: null } });
      },
      { rows },
    );
    const { complete, violations, classes } = await tokensOf(session);
    // A or B is first; the other tries once before it, while the lock is held or is told off before its release, or comes after.
    expect({ complete, violations, classes }).toEqual({ complete: true, violations: [], classes: 4 });
  });

  test('with an insert that fails with E11000, a fresh owner and time each time', async () => {
    await using session = await scenarioOf(async ({ letter }, db) => {
      for (;;) {
        try {
          await db.collection<{ _id: string }>('rows').insertOne({ _id: 'lock', owner: letter, at: new Date() } as Row);
          break;
        } catch (error) {
          if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
        }
      }
      await inside(db);
      await rowsOf(db).deleteOne({ _id: 'lock' });
    });
    const { complete, violations, classes } = await tokensOf(session);
    expect({ complete, violations, classes }).toEqual({ complete: true, violations: [], classes: 4 });
  });

  test('that is never released: the others never end, and so it is said', async () => {
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        while ((await rowsOf(db).findOneAndUpdate({ _id: 'lock', owner: null }, { $set: { owner: letter } })) === null);
        return letter;
      },
      { rows },
    );
    const { complete, violations, violated, ends } = await tokensOf(session);
    expect(complete).toBe(true);
    expect(violated).toBe(2);
    expect(violations[0]).toMatchObject({
      token: 'v1:AB',
      outcomes: [{ kind: 'returned', value: 'A' }, { kind: 'hanging' }],
      verdict: {
        kind: 'violated',
        error: { code: 'never-ends', message: expect.stringContaining('B repeats findAndModify rows') },
      },
    });
    expect(ends).toEqual([
      { returned: 1, threw: 0, hanging: 1 },
      { returned: 1, threw: 0, hanging: 1 },
    ]);
    expect(await session.run('v1:AB')).toMatchObject({
      token: 'v1:AB',
      verdict: { kind: 'violated', error: { code: 'never-ends' } },
    });
    await using fresh = await scenarioOf(
      async ({ letter }, db) => {
        while ((await rowsOf(db).findOneAndUpdate({ _id: 'lock', owner: null }, { $set: { owner: letter } })) === null);
        return letter;
      },
      { rows },
    );
    expect(await fresh.run('v1:AB')).toMatchObject({
      token: 'v1:AB',
      verdict: { kind: 'violated', error: { code: 'never-ends' } },
    });
    await expect(fresh.run('v1:A')).resolves.toMatchObject({ verdict: { kind: 'valid' } });
  });
});

test('stream.next() of a change stream', { timeout: 60_000 }, async () => {
  await using session = await scenarioOf(async ({ index }, db) => {
    if (index === 1)
      return rowsOf(db)
        .insertOne({ _id: 'r' })
        .then(() => 'inserted');
    const stream = rowsOf(db).watch([], { maxAwaitTimeMS: 50 });
    const change = await stream.next();
    await stream.close();
    return change.operationType === 'insert' ? change.documentKey._id : '';
  });
  const outcomes: unknown[] = [];
  const { complete, violations } = await session.explore({
    onClass: (result) => outcomes.push(result.outcomes[0]?.kind === 'returned' ? result.outcomes[0].value : 'hangs'),
  });
  expect(complete).toBe(true);
  // An insert before the stream is opened is not seen, and nothing comes after it.
  expect(outcomes.map(String).toSorted((one, other) => one.localeCompare(other))).toEqual(['hangs', 'r', 'r']);
  expect(violations).toMatchObject([{ verdict: { kind: 'violated', error: { code: 'never-ends' } } }]);
});

test('a duplicate key that is swallowed in withTransaction', { timeout: 120_000 }, async () => {
  await using session = await scenarioOf(async ({ mongo, letter }, db) => {
    await using own = mongo.startSession();
    await own.withTransaction(async () => {
      try {
        await rowsOf(db).insertOne({ _id: 'r', owner: letter }, { session: own });
      } catch (error) {
        if (!(error instanceof MongoServerError) || error.code !== 11000) throw error;
      }
    });
    return letter;
  });
  const { complete, violations } = await tokensOf(session);
  expect(complete).toBe(true);
  const ends = (letter: string) => ({
    kind: 'violated',
    error: { code: 'never-ends', message: expect.stringMatching(`${letter} repeats .*insert rows`) },
  });
  expect(violations.map(({ verdict }) => verdict)).toMatchObject([ends('B'), ends('A')]);
});

test('two clients that wait for each other', async () => {
  await using session = await scenarioOf(async ({ index }, db) => {
    const [mine, other] = index === 0 ? ['a', 'b'] : ['b', 'a'];
    while ((await rowsOf(db).findOne({ _id: other })) === null);
    await rowsOf(db).insertOne({ _id: mine });
  });
  const { complete, classes, violations } = await tokensOf(session);
  expect({ complete, classes }).toEqual({ complete: true, classes: 1 });
  expect(violations).toMatchObject([
    {
      token: 'v1:AB',
      verdict: {
        error: { code: 'never-ends', message: expect.stringMatching(/A repeats find rows .*; B repeats find rows/) },
      },
    },
  ]);
});

test('a loop that is left for another reason than a reply is not awaited after all, and the search starts again', async () => {
  const memory = { isDone: false };
  await using session = await scenarioOf(
    async ({ index }, db) => {
      if (index === 1) {
        while (!memory.isDone && (await rowsOf(db).findOne({ owner: 'B' })) === null);
        return 'left';
      }
      await rowsOf(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } });
      memory.isDone = true;
      return 'done';
    },
    {
      maxSteps: 6,
      reset: async (db) => {
        memory.isDone = false;
        await rowsOf(db).deleteMany({});
        await rowsOf(db).insertOne({ _id: 'x' });
      },
    },
  );
  const { complete, conditions, tokens } = await tokensOf(session);
  expect({ complete, conditions }).toEqual({ complete: false, conditions: [{ kind: 'step-limit', runs: 2 }] });
  // The second run shows it: until then the client awaited.
  expect(tokens.slice(0, 4)).toEqual(['v1:AB', 'v1:BAB', 'v1:AB', 'v1:BAB']);
  expect(tokens).toEqual(expect.arrayContaining(['v1:BBAB', 'v1:BBBAB', 'v1:BBBBBB']));
});

describe('a loop with more attempts than it is tried for', () => {
  /** Polls for what nobody makes, and gives up. */
  const attempts =
    (count: number): Flow<string> =>
    async ({ letter }, db) => {
      for (let attempt = 1; attempt <= count; attempt++)
        if ((await rowsOf(db).findOne({ _id: `never ${letter}` })) !== null) return 'seen';
      return 'gave up';
    };

  test('is left: no violation, and the loop counts its attempts from then on', async () => {
    await using session = await scenarioOf(attempts(40));
    const { violations, complete, conditions, ends } = await tokensOf(session);
    expect({ violations, complete, conditions }).toEqual({
      violations: [],
      complete: true,
      conditions: [{ kind: 'no-race' }],
    });
    expect(ends).toEqual(Array.from({ length: 2 }, () => ({ returned: 1, threw: 0, hanging: 0 })));
  });

  test('in a sample, an outline, a shrinking and a grid, and in a replay', async () => {
    const token = `v1:${'A'.repeat(40)}${'B'.repeat(40)}`;
    await using sampled = await scenarioOf(attempts(40));
    expect(await sampled.sample({ strategy: 'random', seed: 1, maxRuns: 5 })).toMatchObject({
      runs: 5,
      violations: [],
    });
    await using outlined = await scenarioOf(attempts(40));
    expect(await outlined.run({ clients: [0, 1], switches: [], faults: [] })).toMatchObject({
      token,
      verdict: { kind: 'valid' },
    });
    await using replayed = await scenarioOf(attempts(40));
    expect(await replayed.run(token)).toMatchObject({ token, verdict: { kind: 'valid' } });
    await using gridded = await scenarioOf(attempts(30), { clients: 1 });
    const cells = await gridded.grid({ kinds: ['lost-reply'] });
    expect(cells.map(({ result }) => result.verdict.kind)).not.toContain('violated');
  });

  test('and one that waits with the other for both to give up', async () => {
    await using session = await scenarioOf(async ({ letter, index }, db) => {
      const others = index === 0 ? 30 : 60;
      for (let attempt = 1; attempt <= others; attempt++)
        if ((await rowsOf(db).findOne({ _id: 'r' })) !== null) return 'seen';
      if (letter === 'A') await rowsOf(db).insertOne({ _id: 'r' });
      return 'gave up';
    });
    const kinds = new Set<string>();
    await session.explore({ maxRuns: 100, onClass: ({ verdict }) => kinds.add(verdict.kind) });
    expect([...kinds]).toEqual(['valid']);
  });

  test('what goes on for ever is told with the number of repetitions, and tried only once', async () => {
    let attempted = 0;
    await using session = await scenarioOf(
      async (_client, db) => {
        for (;;) {
          attempted++;
          if ((await rowsOf(db).findOne({ _id: 'never' })) !== null) return 'seen';
        }
      },
      { maxSteps: 200 },
    );
    const outline = { clients: [0, 1], switches: [], faults: [] };
    const { token, verdict } = await session.run(outline);
    expect({ token, verdict }).toMatchObject({ token: 'v1:AB', verdict: { error: { code: 'never-ends' } } });
    const message = verdict.kind === 'violated' && verdict.error instanceof Error ? verdict.error.message : '';
    const repetitions = [...message.matchAll(/([AB]) repeats find rows [^;]*, (\d+) times/g)];
    expect(repetitions.map(([, letter]) => letter)).toEqual(['A', 'B']);
    // More than each of the two was tried for alone, and no more than maxSteps allows besides.
    for (const [, , count] of repetitions) {
      expect(Number(count)).toBeGreaterThan(endless.repetitions);
      expect(Number(count)).toBeLessThanOrEqual(endless.repetitions + 100);
    }
    attempted = 0;
    expect(await session.run(outline)).toMatchObject({ token: 'v1:AB', verdict: { error: { code: 'never-ends' } } });
    expect(attempted).toBeLessThan(10);
  });
});

describe('one loop of which not all is known in one place', () => {
  const seen = async (db: Db): Promise<boolean> => (await rowsOf(db).findOne({ _id: 'r' })) !== null;
  const insert = (db: Db): Promise<unknown> => rowsOf(db).insertOne({ _id: 'r' });

  test('the same commands are a bounded loop first and an endless one later', async () => {
    await using session = await scenarioOf(async ({ letter }, db) => {
      if (letter === 'B') return insert(db);
      for (let attempt = 0; attempt < 3; attempt++) if (await seen(db)) return 'at once';
      await rowsOf(db).insertOne({ _id: 'late' });
      while (!(await seen(db)));
      return 'late';
    });
    const ends = new Set<unknown>();
    const found = await session.explore({
      onClass: ({ outcomes: [first] }) => ends.add(first?.kind === 'returned' ? first.value : first?.kind),
    });
    expect(found).toMatchObject({ complete: true, violations: [] });
    expect(ends).toEqual(new Set(['at once', 'late']));
  });

  test('a view is polled', async () => {
    await using session = await scenarioOf(async ({ letter }, db) => {
      if (letter === 'B') return insert(db);
      while ((await db.collection('view').findOne({})) === null);
      return 'seen';
    });
    await control.db(database).createCollection('view', { viewOn: 'rows', pipeline: [] });
    const { complete, violations, conditions } = await session.explore();
    await control.db(database).dropCollection('view');
    expect({ complete, violations }).toEqual({ complete: true, violations: [] });
    expect(conditions.map(({ kind }) => kind)).toContain('awaits');
  });

  test('a lock is taken by an upsert, which is tried again after a duplicate key', async () => {
    await using session = await scenarioOf(
      async ({ letter }, db) => {
        for (;;) {
          try {
            await rowsOf(db).updateOne({ _id: 'lock', owner: null }, { $set: { owner: letter } }, { upsert: true });
            break;
          } catch (error) {
            if (!(error instanceof MongoServerError) || error.code !== 11_000) throw error;
          }
        }
        await rowsOf(db).updateOne({ _id: 'lock' }, { $set: { owner: null } });
      },
      { rows: [{ _id: 'lock', owner: null }] },
    );
    const { complete, violations, conditions } = await session.explore();
    expect({ complete, violations }).toEqual({ complete: true, violations: [] });
    expect(conditions.map(({ kind }) => kind)).toContain('awaits');
  });
});

// Red where a crash counts as a way out of the loop: the loop is not awaited any more, and is told to never end after 1,000 steps.
test('a client that crashes in its loop and begins again has not left it', async () => {
  await using session = await scenarioOf(
    async ({ letter }, db) => {
      if (letter === 'A') return rowsOf(db).insertOne({ _id: 'r' });
      for (;;) {
        await rowsOf(db).findOne({ _id: 'other' });
        if ((await rowsOf(db).findOne({ _id: 'r' })) !== null) return 'seen';
      }
    },
    { mayAllThrow: true },
  );
  const faults = { kinds: ['crash', 'crash-after'], clients: [1] } as const;
  const { complete, violations, conditions } = await session.explore({ faults });
  expect({ complete, violations }).toEqual({ complete: true, violations: [] });
  expect(conditions.map(({ kind }) => kind)).toEqual(['awaits']);
});

describe('what is no waiting keeps all its orders', () => {
  test('check and check again', async () => {
    const twice: Flow<string> = async ({ index }, db) => {
      if (index === 1)
        return rowsOf(db)
          .insertOne({ _id: 'r' })
          .then(() => 'inserted');
      const [first, second] = [await rowsOf(db).findOne({ _id: 'r' }), await rowsOf(db).findOne({ _id: 'r' })];
      return `${first === null ? 'none' : 'there'} ${second === null ? 'none' : 'there'}`;
    };
    await using session = await scenarioOf(twice);
    const { tokens, conditions, complete } = await tokensOf(session);
    expect({ tokens, conditions, complete }).toEqual({
      tokens: ['v1:AAB', 'v1:ABA', 'v1:BAA'],
      conditions: [],
      complete: true,
    });
  });

  test('three attempts, then it gives up', async () => {
    await using session = await scenarioOf(async ({ index }, db) => {
      if (index === 1)
        return rowsOf(db)
          .insertOne({ _id: 'r' })
          .then(() => 'inserted');
      for (let attempt = 1; attempt <= 3; attempt++)
        if ((await rowsOf(db).findOne({ _id: 'r' })) !== null) return `attempt ${attempt}`;
      return 'gave up';
    });
    const { tokens, conditions, complete } = await tokensOf(session);
    expect({ tokens, conditions, complete }).toEqual({
      tokens: ['v1:AAAB', 'v1:AABA', 'v1:ABA', 'v1:BA'],
      conditions: [],
      complete: true,
    });
  });

  test('a read between two of another kind', async () => {
    await using session = await scenarioOf(async ({ index }, db) => {
      if (index === 1)
        return rowsOf(db)
          .insertOne({ _id: 'r' })
          .then(() => 'inserted');
      const seen: (Row | null)[] = [];
      for (const _id of ['r', 'q', 'r', 'q']) seen.push(await rowsOf(db).findOne({ _id }));
      return seen.map((row) => row?._id ?? '-').join('');
    });
    const { classes, conditions } = await tokensOf(session);
    expect({ classes, conditions }).toEqual({ classes: 3, conditions: [] });
  });
});

test('what an exploration in parts knows of loops need not be saved', async () => {
  // A part that goes on from a checkpoint in a new session tries the loop again.
  const checkpointFile = `/tmp/${database}.checkpoint`;
  const flow: Flow<string> = async ({ index }, db) => {
    if (index > 0) {
      await rowsOf(db).updateOne({ _id: 'c' }, { $inc: { n: 1 } }, { upsert: true });
      return 'counted';
    }
    while (((await rowsOf(db).findOne({ _id: 'c' }))?.n ?? 0) < 2);
    return 'seen';
  };
  await using whole = await scenarioOf(flow, { clients: 3 });
  const { classes } = await whole.explore();
  const tokens: string[] = [];
  for (const maxRuns of [2, 2, Infinity]) {
    await using session = await scenarioOf(flow, { clients: 3 });
    const { complete } = await session.explore({ checkpointFile, maxRuns, onClass: ({ token }) => tokens.push(token) });
    expect(complete).toBe(maxRuns === Infinity);
  }
  expect([tokens.length, new Set(tokens).size]).toEqual([classes, classes]);
});
