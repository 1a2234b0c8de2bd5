import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  foundBefore,
  interleave,
  formatRun,
  type FlowClient,
  type InterleaveOptions,
  type InterleaveSession,
} from '../src/index.ts';

/* What the user's own functions throw is told as theirs, by name, and loses nothing of what was found before. */

const set = exploringSet();
const database = createTestDatabaseName('callbacks');
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

async function resetRows(db: Db): Promise<void> {
  await rowsOf(db).deleteMany({});
  await rowsOf(db).insertOne({ _id: 'x', n: 0 });
}

/** Reads and writes: 6 orders, of which 4 lose an update. */
const increment: Flow = async (_client, db) => {
  const found = await rowsOf(db).findOne({ _id: 'x' });
  await rowsOf(db).updateOne({ _id: 'x' }, { $set: { n: (found?.n ?? 0) + 1 } });
  return found?.n;
};
const CLASSES = 4;

async function expectTwo(db: Db): Promise<void> {
  expect((await rowsOf(db).findOne({ _id: 'x' }))?.n).toBe(2);
}

const scenarioOf = (options: Partial<InterleaveOptions<unknown, never>> = {}): Promise<InterleaveSession<unknown>> =>
  interleave<unknown, never>({
    uri: set.uri,
    database,
    clients: 2,
    flow: (client, db) => increment(client, db),
    maxWaitMs: 5_000,
    reset: resetRows,
    check: expectTwo,
    ...options,
  });

/** Throws at these calls, counted from 1. */
function throwingAt(...calls: readonly number[]): () => void {
  let call = 0;
  return () => {
    if (calls.includes(++call)) throw new TypeError(`mine ${call}`);
  };
}

const failureOf = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('It did not fail.');
};

describe('reset', () => {
  test.each([1, 2])('that fails once costs no search, %i workers', async (workers) => {
    const fail = throwingAt(4);
    await using session = await scenarioOf({
      reset: async (db) => {
        fail();
        await resetRows(db);
      },
    });
    const tokens: string[] = [];
    const found = await session.explore({ workers, onClass: ({ token }) => tokens.push(token) });
    expect(found).toMatchObject({ complete: true, classes: CLASSES, violated: 2 });
    expect(new Set(tokens).size).toBe(CLASSES);
  });

  test('that fails once costs no search, whichever it is, the last look at the start state too', async () => {
    let [resets, failing] = [0, Infinity];
    const explore = async () => {
      resets = 0;
      await using session = await scenarioOf({
        reset: async (db) => {
          if (++resets === failing) throw new TypeError('mine');
          await resetRows(db);
        },
      });
      return await session.explore();
    };
    await explore();
    const count = resets;
    for (failing = 3; failing <= count; failing++)
      expect(await explore()).toMatchObject({ complete: true, classes: CLASSES, violated: 2 });
    expect(resets).toBe(count + 1);
  });

  test.each<[string, (db: Db) => Promise<unknown>]>([
    ['of the first command', (db) => rowsOf(db).deleteMany({})],
    [
      'of the last command',
      async (db) => (await rowsOf(db).deleteMany({})) && rowsOf(db).insertOne({ _id: 'x', n: 0 }),
    ],
  ])('that returns before the end %s ends the search', async (_what, begin) => {
    const left: Promise<unknown>[] = [];
    await using session = await scenarioOf({ reset: async (db) => void left.push(begin(db)) });
    expect(await failureOf(session.explore())).toMatchObject({
      code: 'reset-failed',
      message: 'reset returned while 1 of its commands were under way. Await each of them, or return its promise.',
    });
    await Promise.all(left);
  });

  test('that forgets a collection is told as a condition', async () => {
    const found = (['whole', 'forgets'] as const).map(async (kind) => {
      await using session = await scenarioOf({
        database: createTestDatabaseName('forgets'),
        reset: async (db) => {
          await resetRows(db);
          if (kind === 'whole') await db.collection('bookings').deleteMany({});
        },
        flow: async ({ letter }, db) => {
          await rowsOf(db).updateOne({ _id: 'x' }, { $inc: { n: 1 } });
          if ((await db.collection('bookings').findOne({ seat: 1 })) === null)
            await db.collection('bookings').insertOne({ seat: 1, by: letter });
        },
        check: async (db) => expect(await db.collection('bookings').countDocuments()).toBe(1),
      });
      return await session.explore();
    });
    const [whole, forgets] = await Promise.all(found);
    expect(whole?.violated).toBeGreaterThan(0);
    expect(whole?.conditions).toEqual([]);
    expect(forgets?.violated).toBe(0);
    expect(forgets?.conditions).toContainEqual({ kind: 'start-state', collections: ['bookings'] });
  });

  test.each(['explore', 'sample'] as const)('that fails always ends %s with what was found', async (call) => {
    let resets = 0;
    await using session = await scenarioOf({
      reset: async (db) => {
        if (++resets > 3) throw new TypeError('mine');
        await resetRows(db);
      },
    });
    const error = await failureOf(call === 'explore' ? session.explore() : session.sample({ strategy: 'random' }));
    expect(error).toMatchObject({
      code: 'reset-failed',
      message: expect.stringMatching(/^reset threw TypeError: mine/),
      cause: { message: 'mine' },
    });
    // The rehearsal, two runs, and three attempts to start the third.
    expect(resets).toBe(6);
    expect(foundBefore(error)).toMatchObject({
      runs: 2,
      ...(call === 'explore' ? { classes: 2, complete: false } : {}),
    });
  });

  test('that fails from the beginning is told at once, and the session goes on when it is mended', async () => {
    let resets = 0;
    await using session = await scenarioOf({
      reset: async (db) => {
        if (++resets === 1) throw new TypeError('mine');
        await resetRows(db);
      },
    });
    await expect(session.explore()).rejects.toThrow(
      expect.objectContaining({ code: 'reset-failed', message: 'reset threw TypeError: mine.' }),
    );
    expect(resets).toBe(1);
    expect(await session.explore()).toMatchObject({ complete: true, classes: CLASSES });
  });
});

describe('onStep', () => {
  test.each(['explore', 'sample'] as const)('that throws makes its run violated, and %s goes on', async (call) => {
    await using session = await scenarioOf({
      check: () => undefined,
      onStep: async ({ client, command }, db) => {
        const found = await rowsOf(db).findOne({ _id: 'x' });
        if (client === 0 && command === 'update' && found?.n !== 1) throw new RangeError(`n is ${found?.n}`);
      },
    });
    const { violations, ...found } =
      call === 'explore' ? await session.explore() : await session.sample({ strategy: 'random', seed: 1, maxRuns: 20 });
    expect(found).toMatchObject(call === 'explore' ? { complete: true, classes: CLASSES, violated: 1 } : { runs: 20 });
    expect(violations).toMatchObject([{ verdict: { kind: 'violated', error: { message: 'n is 2' } } }]);
    const [violation] = violations;
    expect(violation?.token).toBe('v1:BBAA');
    expect(formatRun(await session.run('v1:BBAA'))).toMatch(/4 update.*n=1, then onStep threw/);
  });

  test('that never comes back is bounded by maxWaitMs', async () => {
    await using session = await scenarioOf({ maxWaitMs: 300, onStep: () => new Promise(() => undefined) });
    expect(await session.run('v1:AABB')).toMatchObject({
      token: 'v1:A',
      verdict: { kind: 'unknown', error: { code: 'watchdog', message: expect.stringContaining('onStep to end') } },
    });
  });
});

describe.each(['onClass', 'onProgress'] as const)('%s', (name) => {
  test.each([
    ['throws', (fail: () => void) => fail],
    ['rejects', (fail: () => void) => async () => fail()],
  ])('that %s ends the search with what was found, and the session goes on', async (_how, make) => {
    await using session = await scenarioOf();
    const error = await failureOf(session.explore({ [name]: make(throwingAt(2)) }));
    expect(error).toMatchObject({
      code: 'callback-failed',
      message: expect.stringMatching(new RegExp(`^${name} threw TypeError: mine 2.*foundBefore`)),
      cause: { message: 'mine 2' },
    });
    expect(foundBefore(error)).toMatchObject({ classes: 2, runs: 2, complete: false });
    expect(await session.explore()).toMatchObject({ complete: true, classes: CLASSES });
  });
});

test('onRun that throws ends the sampling with what was found', async () => {
  await using session = await scenarioOf();
  const error = await failureOf(session.sample({ strategy: 'random', onRun: throwingAt(3) }));
  expect(error).toMatchObject({
    code: 'callback-failed',
    message: expect.stringMatching(/^onRun threw TypeError: mine 3/),
  });
  expect(foundBefore(error)).toMatchObject({ runs: 3 });
});

describe('prepare', () => {
  test('that fails once between two runs costs no search', async () => {
    const fail = throwingAt(5);
    await using session = await scenarioOf({
      freshLives: true,
      prepare: async () => {
        fail();
        return undefined as never;
      },
    });
    expect(await session.explore()).toMatchObject({ complete: true, classes: CLASSES, violated: 2 });
  });

  test('that fails after a crash makes the run unknown, and the search goes on', async () => {
    await using session = await scenarioOf({
      check: () => undefined,
      prepare: async ({ life }) => {
        if (life > 0) throw new TypeError('mine');
        return undefined as never;
      },
    });
    const { violations, runs, complete } = await session.explore({
      faults: { kinds: ['crash-after'], clients: [0] },
    });
    expect(runs).toBeGreaterThan(CLASSES);
    expect(complete).toBe(false);
    // A crashed at each of its commands, before and after B.
    expect(new Set(violations.map(({ verdict }) => verdict.kind))).toEqual(new Set(['unknown']));
    expect(violations[0]).toMatchObject({
      token: 'v1:A*',
      verdict: { error: { code: 'prepare-failed', message: 'prepare of client A threw TypeError: mine.' } },
    });
    expect(await session.run('v1:AABB')).toMatchObject({ verdict: { kind: 'valid' } });
  });
});

test('dispose that throws costs no search, and is told when the session closes, which leaves nothing open', async () => {
  let disposed = 0;
  const session = await scenarioOf({
    freshLives: true,
    prepare: async () => undefined as never,
    dispose: () => {
      disposed++;
      throw new TypeError('mine');
    },
  });
  expect(await session.explore()).toMatchObject({ complete: true, classes: CLASSES, violated: 2 });
  expect(disposed).toBeGreaterThan(2);
  await expect(session.close()).rejects.toThrow(
    expect.objectContaining({
      code: 'callback-failed',
      message: expect.stringMatching(/^dispose threw TypeError: mine/),
    }),
  );
});

/* What can be thrown and returned in JavaScript. */

const evil = {
  'a getter that throws': Object.defineProperty(new Error('x'), 'message', {
    get: () => {
      throw new Error('inside');
    },
  }),
  'a proxy that throws': new Proxy(
    {},
    {
      get: () => {
        throw new Error('inside');
      },
      getPrototypeOf: () => {
        throw new Error('inside');
      },
      has: () => {
        throw new Error('inside');
      },
      ownKeys: () => {
        throw new Error('inside');
      },
    },
  ),
  'an error without a message': Object.assign(new Error('x'), { message: null, name: undefined, stack: 5 }),
  'a document without a prototype': Object.create(null) as object,
  'an object whose toJSON throws': {
    toJSON: () => {
      throw new Error('inside');
    },
    toString: () => {
      throw new Error('inside');
    },
  },
  'an object with a getter that throws': {
    get a() {
      throw new Error('inside');
    },
  },
  'a circle': (() => {
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    return circle;
  })(),
  'a BigInt': 5n,
  'a symbol': Symbol('s'),
  'a function': () => 5,
  undefined,
  null: null,
  'a text': 'text',
};

describe.each([true, false])('with showResults %s', (showResults) => {
  test.each(Object.entries(evil))('check throws %s: a violation with a line', async (_what, thrown) => {
    await using session = await scenarioOf({
      showResults,
      check: () => {
        throw thrown;
      },
    });
    const { violated, violations, complete } = await session.explore();
    expect({ violated, complete }).toEqual({ violated: CLASSES, complete: true });
    expect(violations.map((violation) => formatRun(violation))[0]).toMatch(/^v1:\w+ violated: \S/);
  });

  test.each(Object.entries(evil))('a flow returns and throws %s', async (_what, value) => {
    let isThrown = false;
    await using session = await scenarioOf({
      showResults,
      flow: async (client, db) => {
        await increment(client, db);
        if (isThrown) throw value;
        return value;
      },
      mayAllThrow: true,
    });
    for (isThrown of [false, true]) {
      const { violated, violations, complete } = await session.explore({ twice: true });
      expect({ violated, complete }).toEqual({ violated: 2, complete: true });
      expect(violations.map((violation) => formatRun(violation)).join('\n')).toMatch(
        // A promise asks what it is resolved with for `then`.
        isThrown || value === evil['a proxy that throws'] ? /A threw \S/ : /A returned \S/,
      );
    }
  });
});

test.each(Object.entries(evil))('every flow throws %s: all-threw', async (_what, value) => {
  await using session = await scenarioOf({
    check: () => undefined,
    flow: async (client, db) => {
      await increment(client, db);
      throw value;
    },
  });
  await expect(session.explore()).rejects.toThrow(expect.objectContaining({ code: 'all-threw' }));
});

test('a check that returns before its commands has no verdict', async () => {
  const left: Promise<unknown>[] = [];
  await using session = await scenarioOf({ check: (db) => void left.push(rowsOf(db).findOne({})) });
  const { complete, violations } = await session.explore();
  await Promise.all(left);
  expect(complete).toBe(false);
  expect(violations[0]?.verdict).toMatchObject({
    kind: 'unknown',
    error: {
      code: 'callback-failed',
      message: expect.stringMatching(/^check returned while 1 of its commands/) as string,
    },
  });
});

test.each(Object.entries(evil))('reset, prepare and onClass throw %s', async (_what, value) => {
  const fail = (): never => {
    throw value;
  };
  await using one = await scenarioOf({ reset: async () => fail() });
  await expect(one.run('v1:AB')).rejects.toThrow(expect.objectContaining({ code: 'reset-failed' }));
  await using other = await scenarioOf({ prepare: async () => fail() });
  await expect(other.run('v1:AB')).rejects.toThrow(expect.objectContaining({ code: 'prepare-failed' }));
  await using third = await scenarioOf();
  await expect(third.explore({ onClass: fail })).rejects.toThrow(expect.objectContaining({ code: 'callback-failed' }));
});
