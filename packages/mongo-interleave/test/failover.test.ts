import { readFile } from 'node:fs/promises';
import { startReplicaSet } from 'mongo-test-replica-set';
import { MongoClient, type ClientSession, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet, snippetsOf } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DRIVERS, type AnyClient } from './support/drivers.ts';
import {
  FAILOVER_PARAMETERS,
  formatGrid,
  formatRun,
  interleave,
  inThreads,
  type FaultKind,
  type FlowClient,
  type InterleaveOptions,
  type InterleaveSession,
  type Outcome,
  type RunResult,
} from '../src/index.ts';

/*
 * Three members. The primary steps down at a command, and another member becomes the primary: the open transactions of all clients are
 * gone, and what waits at the gate comes to a member that refuses it.
 */

// SET
const set = await startReplicaSet({ journaledMajority: false, setParameters: FAILOVER_PARAMETERS });
// END
const database = createTestDatabaseName('failover');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  for (const name of ['accounts', 'orders']) await control.db(database).createCollection(name);
});
afterAll(async () => {
  await control.close();
  await set.stop();
});

interface Account {
  readonly _id: string;
  readonly balance: number;
}

const STEP_DOWNS: readonly FaultKind[] = ['step-down', 'step-down-after'];
const MAX_ATTEMPTS = 5;
const MAJORITY = { readConcern: { level: 'majority' }, writeConcern: { w: 'majority' } } as const;

const reset = async (db: Db): Promise<void> => {
  await db.collection('orders').deleteMany({});
  await db.collection('accounts').deleteMany({});
  await db.collection<Account>('accounts').insertOne({ _id: 'a1', balance: 10 });
};

/** Takes 1 from the account and writes an order, in a transaction that is made again after errors that `mayTryAgain` allows. */
const buy =
  (commit: (session: ClientSession, db: Db) => Promise<unknown>, mayTryAgain: (error: unknown) => boolean) =>
  async ({ letter, mongo }: FlowClient, db: Db): Promise<string> => {
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const session = mongo.startSession({ causalConsistency: false });
      try {
        session.startTransaction(MAJORITY);
        await db.collection<Account>('accounts').updateOne({ _id: 'a1' }, { $inc: { balance: -1 } }, { session });
        await db.collection<{ _id: string }>('orders').insertOne({ _id: `${letter}${attempt}` }, { session });
        await commit(session, db);
        return 'bought';
      } catch (error) {
        if (session.inTransaction()) await session.abortTransaction();
        if (!mayTryAgain(error)) throw error;
      } finally {
        await session.endSession();
      }
    }
    return 'gave up';
  };

interface Labelled {
  hasErrorLabel(label: string): boolean;
}
const isTransient = (error: unknown): boolean =>
  error instanceof Error && 'hasErrorLabel' in error && (error as Labelled).hasErrorLabel('TransientTransactionError');

const retrying = buy((session) => session.commitTransaction(), isTransient);

/** Sends the commit once, as a client does that has no retry, and takes each error for a transaction that was undone. */
const lostIsUndone = buy(
  (session, db) => db.admin().command({ commitTransaction: 1, writeConcern: { w: 'majority' } }, { session }),
  () => true,
);

const checkBoughtOnce = async (db: Db, outcomes: readonly Outcome<string>[]): Promise<void> => {
  const bought = outcomes.filter((outcome) => outcome.kind === 'returned' && outcome.value === 'bought').length;
  const orders = await db.collection('orders').countDocuments();
  const account = await db.collection<Account>('accounts').findOne({ _id: 'a1' });
  if (orders !== bought || account?.balance !== 10 - bought)
    throw new Error(`${bought} have bought, and there are ${orders} orders, balance ${String(account?.balance)}`);
};

const open = (
  flow: InterleaveOptions<string>['flow'],
  more: Partial<InterleaveOptions<string>> = {},
): Promise<InterleaveSession<string>> =>
  interleave({
    uri: set.uri,
    database,
    clients: 2,
    reset,
    flow,
    check: checkBoughtOnce,
    showFields: ['balance'],
    showResults: true,
    ...more,
  });

describe('the primary steps down at any command of a client that has a rival', () => {
  test('a flow that tries again what is labelled so is clean in every interleaving', { timeout: 330_000 }, async () => {
    const [flow, check] = [retrying, checkBoughtOnce];
    // EXPLORE
    await using session = await interleave({ uri: set.uri, database, clients: 2, reset, flow, check });
    const faults = { kinds: ['step-down', 'step-down-after'], clients: [0] } as const;
    const found = await session.explore({ faults, maxDurationMs: 300_000 });
    // END
    const { classes, complete, violations } = found;
    expect({ violations: violations.map(formatRun), classes, complete }).toEqual({
      violations: [],
      classes: 85,
      complete: true,
    });
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const shown = snippetsOf(await readFile(new URL(import.meta.url), 'utf8'));
    expect(readme).toContain(`\`\`\`ts\n${shown('SET')}\n${shown('EXPLORE')}\n\`\`\``);
  });

  test('a flow that takes a lost commit for a failure is caught, and its token shows it again', async () => {
    await using session = await open(lostIsUndone);
    const { violations } = await session.explore({
      faults: { kinds: STEP_DOWNS, clients: [0] },
      maxViolations: 1,
    });
    const [found] = violations;
    const { token } = found ?? { token: '' };
    expect(token).toMatch(/^v1:[AB]*A%[AB]*$/);
    const shrunk = await session.shrink(token);
    expect(formatRun(shrunk)).toMatchInlineSnapshot(`
      "v1:AAA%AAA violated: 1 have bought, and there are 2 orders, balance 8
          A
        1 update accounts startTransaction { _id: "a1" } $inc { balance: -1 } -> n=1
        2 insert orders { _id: "A1" } -> n=1
        3 commitTransaction -> ok, then the primary stepped down and the reply was lost
        4 update accounts startTransaction { _id: "a1" } $inc { balance: -1 } -> n=1
        5 insert orders { _id: "A2" } -> n=1
        6 commitTransaction -> ok
          A returned "bought""
    `);
  });
});

describe('a token gives the same run each time, and what waited at the gate is refused', () => {
  const runWith = async (session: InterleaveSession<string>, kind: FaultKind): Promise<RunResult<string>> => {
    const first = await session.run({
      clients: [0, 1],
      switches: [{ client: 0, after: 1, to: 1 }],
      faults: [{ client: 0, after: 2, kind }],
    });
    const again: RunResult<string>[] = [];
    for (let time = 0; time < 10; time++) again.push(await session.run(first));
    expect(again).toEqual(again.map(() => first));
    return first;
  };

  test('step-down', async () => {
    await using session = await open(retrying);
    expect(formatRun(await runWith(session, 'step-down'))).toMatchInlineSnapshot(`
      "v1:ABBAA@AAAABBB valid
          A                                                                     B
        1 update accounts startTransaction { _id: "a1" } $inc { balance: -1 }
            -> n=1
        2                                                                       update accounts startTransaction { _id: "a1" }
                                                                                  $inc { balance: -1 } -> error 112 WriteConflict
        3                                                                       abortTransaction -> error 251 NoSuchTransaction
        4 insert orders { _id: "A1" } -> n=1                                    (waits for A)
        5 commitTransaction -> error 10107 NotWritablePrimary, after the        (waits for A)
            primary had stepped down, refused too: update accounts of B
        6 commitTransaction -> error 251 NoSuchTransaction
        7 update accounts startTransaction { _id: "a1" } $inc { balance: -1 }
            -> n=1
        8 insert orders { _id: "A2" } -> n=1                                    (waits for A)
        9 commitTransaction -> ok                                               (waits for A)
       10                                                                       update accounts startTransaction { _id: "a1" }
                                                                                  $inc { balance: -1 } -> n=1
       11                                                                       insert orders { _id: "B3" } -> n=1
       12                                                                       commitTransaction -> ok
          A returned "bought"
          B returned "bought""
    `);
  });

  test('step-down-after', async () => {
    await using session = await open(retrying);
    expect(formatRun(await runWith(session, 'step-down-after'))).toMatchInlineSnapshot(`
      "v1:ABBAA%ABBB valid
          A                                                                     B
        1 update accounts startTransaction { _id: "a1" } $inc { balance: -1 }
            -> n=1
        2                                                                       update accounts startTransaction { _id: "a1" }
                                                                                  $inc { balance: -1 } -> error 112 WriteConflict
        3                                                                       abortTransaction -> error 251 NoSuchTransaction
        4 insert orders { _id: "A1" } -> n=1                                    (waits for A)
        5 commitTransaction -> ok, then the primary stepped down and the        (waits for A)
            reply was lost, refused too: update accounts of B
        6 commitTransaction -> ok
        7                                                                       update accounts startTransaction { _id: "a1" }
                                                                                  $inc { balance: -1 } -> n=1
        8                                                                       insert orders { _id: "B3" } -> n=1
        9                                                                       commitTransaction -> ok
          A returned "bought"
          B returned "bought""
    `);
  });
});

test('grid: each command, alone and with a rival', async () => {
  await using session = await open(lostIsUndone);
  expect(formatGrid(await session.grid({ kinds: STEP_DOWNS }))).toMatchInlineSnapshot(`
    "                     step-down  step-down, rival  step-down-after  step-down-after, rival
    1 update accounts    .          .                 .                .
    2 insert orders      .          .                 .                .
    3 commitTransaction  .          .                 x                x
    4 abortTransaction   .          .                 .                .
    violated: 1 have bought, and there are 2 orders, balance 8
      v1:AAA%AAA  step-down-after at 3 commitTransaction
    violated: 2 have bought, and there are 3 orders, balance 7
      v1:AAA%BBBAAA  step-down-after, rival at 3 commitTransaction"
  `);
});

describe('every client finds the new primary through the gate, and what it retries is done once', () => {
  /** @returns for each kind how the client ended, its number of steps and the verdict */
  const failOverAtFirst = async <T>(session: InterleaveSession<T>): Promise<readonly unknown[]> => {
    const ends: unknown[] = [];
    for (const kind of STEP_DOWNS) {
      const faults = [{ client: 0, after: 0, kind }];
      const { outcomes, trace, verdict } = await session.run({ clients: [0], switches: [], faults });
      ends.push([kind, outcomes[0]?.kind, trace.length, verdict.kind]);
    }
    return ends;
  };
  const retried = STEP_DOWNS.map((kind) => [kind, 'returned', 2, 'valid']);
  const scenario = {
    uri: set.uri,
    database,
    clients: 1,
    reset,
    check: async (db: Db) => expect(await db.collection('orders').countDocuments()).toBe(1),
  };

  test.each(Object.entries(DRIVERS))('driver %s', async (_version, connect) => {
    await using session = await interleave<unknown, AnyClient>({
      ...scenario,
      prepare: async (client) => {
        const own = client.track(connect(client.uri, { retryWrites: true }));
        await own.connect();
        return own;
      },
      flow: (_client, _db, own) => own.db(database).collection('orders').insertOne({ x: 1 }),
    });
    expect(await failOverAtFirst(session)).toEqual(retried);
  });

  test('in a thread', async () => {
    const flow = new URL('./support/flows/order.ts', import.meta.url);
    await using session = await interleave({ ...scenario, ...inThreads<string>(flow) });
    expect(await failOverAtFirst(session)).toEqual(retried);
  });
});

test('several workers would see the elections of each other: the user is told', async () => {
  await using session = await open(retrying);
  await expect(session.explore({ faults: { kinds: ['step-down'] }, workers: 2 })).rejects.toThrow(
    'The fault "step-down" gives all workers another primary, in the middle of their runs: use one worker.',
  );
});

describe('where no other member can become the primary, the user is told', () => {
  test('a set of one member', async () => {
    await using session = await interleave({
      uri: exploringSet().uri,
      database,
      clients: 2,
      reset,
      flow: retrying,
      check: checkBoughtOnce,
    });
    const refused = expect.objectContaining({
      code: 'invalid-option',
      message: expect.stringMatching(
        /^The faults step-down .* uri leads to one server alone\. Start a set of three members/,
      ),
    });
    await expect(session.explore({ faults: { kinds: ['step-down'] } })).rejects.toEqual(refused);
    await expect(session.run('v1:AA@')).rejects.toEqual(refused);
    await expect(session.grid({ kinds: ['step-down-after'] })).rejects.toEqual(refused);
  });

  test('a uri that leads to one member directly', async () => {
    const { host, port } = await set.primary();
    await using session = await open(retrying, { uri: `mongodb://${host}:${String(port)}/?directConnection=true` });
    await expect(session.run('v1:AA@')).rejects.toThrow(/ uri connects to one member directly\. Start a set of three/);
  });
});
