import { MongoClient, type Db } from 'mongodb';
import { startReplicaSet } from 'mongo-test-replica-set';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import {
  FAULT_KINDS,
  formatGrid,
  formatRun,
  interleave,
  type FlowClient,
  type InterleaveOptions,
  type Schedule,
} from '../src/index.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from './support/rotation.ts';

const set = exploringSet();
const database = createTestDatabaseName('faults');
const control = new MongoClient(set.uri);
beforeAll(() => createCollections(control.db(database)));
afterAll(() => control.close());

const scenario = (options: Pick<InterleaveOptions<string>, 'flow' | 'clients'> & Partial<InterleaveOptions<string>>) =>
  interleave({ uri: set.uri, database, ...rotationScenario, ...options });

/** Until the test is over, the server ends transactions that stay open for so long; the set is this worker's own. */
async function limitTransactions(seconds: number): Promise<void> {
  const setLimit = (transactionLifetimeLimitSeconds: unknown): Promise<unknown> =>
    control.db('admin').command({ setParameter: 1, transactionLifetimeLimitSeconds });
  const before = await control.db('admin').command({ getParameter: 1, transactionLifetimeLimitSeconds: 1 });
  onTestFinished(async () => void (await setLimit(before['transactionLifetimeLimitSeconds'])));
  await setLimit(seconds);
}

describe('crash', () => {
  test('the crashed life goes no further, and a fresh one begins the flow again', async () => {
    const lives: string[] = [];
    const flow = async (client: FlowClient, db: Db): Promise<string> => {
      lives.push(`${client.letter}${client.life} begins`);
      try {
        const outcome = await checkedClaim(client, db);
        lives.push(`${client.letter}${client.life} ends`);
        return outcome;
      } finally {
        lives.push(`${client.letter}${client.life} finally`);
      }
    };
    await using one = await scenario({ clients: 2, flow });
    // Crashed between its claim and the rest: that backup is wasted.
    await one.run('v1:AAAAAAB');
    lives.length = 0;
    const result = await one.run('v1:AAA!AAAAAAB');
    expect(lives).toEqual(['A0 begins', 'B0 begins', 'A1 begins', 'A1 ends', 'A1 finally', 'B0 ends', 'B0 finally']);
    expect(formatRun(result)).toMatchInlineSnapshot(`
      "v1:AAA!AAAAAAB violated: 2 backups used, 1 callers rotated
          A                                                                          B
        1 find keys { _id: "k1" } -> _id "k1"
        2 findAndModify backups { isUsed } $set isUsed, usedFor -> before _id "b1"
        3 delete bindings { keyId } -> not sent: the client crashed and restarts
        4 find keys { _id: "k1" } -> _id "k1"
        5 findAndModify backups { isUsed } $set isUsed, usedFor -> before _id "b2"
        6 delete bindings { keyId } -> n=1
        7 delete keys { _id: "k1" } -> n=1
        8 insert keys { _id: "b2", apiKey } -> n=1
        9 insert bindings { keyId, proxyId, _id: ObjectId#1 } -> n=1
       10                                                                            find keys { _id: "k1" } -> 0 documents
          A returned "rotated"
          B returned "already-rotated"
          not shown: values of fields (name them in showFields)"
    `);
    expect(await one.run('v1:AAA!AAAAAAB')).toEqual(result);
    expect(await one.run('v1:AAAAAAB')).toMatchObject({ verdict: { kind: 'valid' } });
  });

  const crashInTransaction: Schedule = {
    clients: [0, 1],
    switches: [{ client: 0, after: 4, to: 1 }],
    faults: [{ client: 0, after: 3, kind: 'crash' }],
  };

  test('its open transaction is ended, so nobody waits for it', async () => {
    await using one = await scenario({ clients: 2, flow: inTransaction });
    const result = await one.run(crashInTransaction);
    expect(formatRun(result)).toMatchInlineSnapshot(`
      "v1:AAAA!BBBBBAA valid
          A                                                                     B
        1 findAndModify keys startTransaction { _id: "k1" } remove
            -> _id "k1"
        2 update backups { _id: "b1", isUsed } $set isUsed, usedFor -> n=1
        3 insert keys { _id: "b1", apiKey } -> n=1
        4 update bindings { keyId } $set keyId
            -> not sent: the client crashed and restarts
        5                                                                       findAndModify keys startTransaction { _id: "k1" } remove
                                                                                  -> _id "k1"
        6                                                                       update backups { _id: "b2", isUsed } $set isUsed, usedFor -> n=1
        7                                                                       insert keys { _id: "b2", apiKey } -> n=1
        8                                                                       update bindings { keyId } $set keyId -> n=1
        9                                                                       commitTransaction -> ok
       10 findAndModify keys startTransaction { _id: "k1" } remove -> null
       11 abortTransaction -> ok
          A returned "already-rotated"
          B returned "rotated"
          not shown: values of fields (name them in showFields)"
    `);
    expect(await one.run(result.token)).toEqual(result);
  });

  test('its transaction left open: the others wait until the server ends it', async () => {
    await limitTransactions(1);
    await using one = await scenario({ clients: 2, flow: inTransaction, crashedTransactions: 'leave' });
    const result = await one.run(crashInTransaction);
    expect(formatRun(result)).toMatchInlineSnapshot(`
      "v1:AAAA!BBAAAAAAABB valid
          A                                                                    B
        1 findAndModify keys startTransaction { _id: "k1" } remove
            -> _id "k1"
        2 update backups { _id: "b1", isUsed } $set isUsed, usedFor -> n=1
        3 insert keys { _id: "b1", apiKey } -> n=1
        4 update bindings { keyId } $set keyId
            -> not sent: the client crashed and restarts
        5                                                                      findAndModify keys startTransaction { _id: "k1" } remove
                                                                                 -> error 112 WriteConflict
        6                                                                      abortTransaction -> error 251 NoSuchTransaction
        7 findAndModify keys startTransaction { _id: "k1" } remove             (waits for a client that crashed)
            -> error 112 WriteConflict
        8 abortTransaction -> error 251 NoSuchTransaction                      (waits for a client that crashed)
        9 findAndModify keys startTransaction { _id: "k1" } remove
            -> _id "k1"
       10 update backups { _id: "b1", isUsed } $set isUsed, usedFor -> n=1     (waits for A)
       11 insert keys { _id: "b1", apiKey } -> n=1                             (waits for A)
       12 update bindings { keyId } $set keyId -> n=1                          (waits for A)
       13 commitTransaction -> ok                                              (waits for A)
       14                                                                      findAndModify keys startTransaction { _id: "k1" } remove -> null
       15                                                                      abortTransaction -> ok
          A returned "rotated"
          B returned "already-rotated"
          not shown: values of fields (name them in showFields)"
    `);
    expect(await one.run(result)).toEqual(result);
  });

  test('after the last command: nobody was told, and the fresh one learns of it', async () => {
    await using one = await scenario({ clients: 1, flow: inTransaction, check: () => undefined });
    const { outcomes } = await one.run('v1:AAAAA*AA');
    expect(outcomes).toEqual([{ kind: 'returned', value: 'already-rotated' }]);
  });
});

describe('one fault at any command, in every interleaving', () => {
  const usedOnce = async (db: Db): Promise<void> => {
    const used = await db.collection('backups').countDocuments({ isUsed: true });
    if (used !== 1) throw new Error(`${used} backups used`);
  };

  test.each([
    ['crash', 78],
    ['crash-after', 74],
    ['lost-reply', 76],
    ['reset', 66],
    ['error', 66],
  ] as const)('a transaction, %s', { timeout: 60_000 }, async (kind, expected) => {
    await using one = await scenario({ clients: 2, flow: inTransaction, check: usedOnce });
    const { violations, classes, complete } = await one.explore({ faults: { kinds: [kind] } });
    expect({ classes, violations: violations.map(formatRun), complete }).toEqual({
      classes: expected,
      violations: [],
      complete: true,
    });
  });

  test('checked-claim, alone, crash-after: nobody is told, and between its first write and its last something is wasted or lost', async () => {
    await using one = await scenario({ clients: 1, flow: checkedClaim });
    const tokens: string[] = [];
    await one.explore({
      faults: { kinds: ['crash-after'] },
      onClass: ({ token, verdict }) => void (verdict.kind === 'violated' && tokens.push(token)),
    });
    expect(tokens).toEqual(['v1:AAAAAA*A', 'v1:AAAAA*A', 'v1:AAAA*A', 'v1:AAA*AAAAAA', 'v1:AA*AAAAAA']);
  });

  test('faults of one client alone, and two in a run', async () => {
    await using one = await scenario({ clients: 2, flow: checkedClaim, check: () => undefined });
    const tokens: string[] = [];
    const onClass = ({ token }: { token: string }) => void tokens.push(token);
    await one.explore({ faults: { kinds: ['crash'], clients: [1], maxFaults: 2 }, onClass, maxRuns: 60 });
    expect(tokens.filter((token) => token.includes('A!'))).toEqual([]);
    expect(tokens.filter((token) => /B!.*B!/.test(token)).length).toBeGreaterThan(0);
  });
});

test('an error code that the server gives only with details is refused', async () => {
  await using one = await scenario({ clients: 1, flow: checkedClaim, errorCode: 11_000 });
  await expect(one.explore({ faults: { kinds: ['error'] } })).rejects.toThrow(
    expect.objectContaining({ code: 'invalid-option', message: expect.stringMatching(/errorCode .* 11000 .* 40671/) }),
  );
});

test('a server without test commands is told before the first verdict', async () => {
  await using plain = await startReplicaSet({ members: 1, setParameters: { enableTestCommands: 0 } });
  await using other = new MongoClient(plain.uri);
  await createCollections(other.db(database));
  await using one = await scenario({ uri: plain.uri, clients: 1, flow: checkedClaim });
  await expect(one.explore({ faults: { kinds: ['error'] } })).rejects.toThrow(
    expect.objectContaining({ code: 'invalid-option', message: expect.stringContaining('enableTestCommands=1') }),
  );
});

describe('grid: each fault at each command, alone and with a rival', () => {
  test('checked-claim: what is red, and its tokens', async () => {
    await using one = await scenario({ clients: 2, flow: checkedClaim });
    const cells = await one.grid({ kinds: ['crash', 'lost-reply'] });
    expect(cells).toHaveLength(6 * 2 * 2);
    expect(formatGrid(cells)).toMatchInlineSnapshot(`
      "                         crash  crash, rival  lost-reply  lost-reply, rival
      1 find keys              .      .             .           .
      2 findAndModify backups  .      .             .           x
      3 delete bindings        x      x             x           x
      4 delete keys            x      x             .           .
      5 insert keys            x      x             .           .
      6 insert bindings        x      x             .           .
      violated: 2 backups used, 1 callers rotated
        v1:AA~BBBBBBAAA  lost-reply, rival at 2 findAndModify
        v1:AAA!AAAAAA  crash at 3 delete
        v1:AAA!BBBBBBA  crash, rival at 3 delete
        v1:AAA~BBBBBB  lost-reply, rival at 3 delete
        v1:AAAA!AAAAAA  crash at 4 delete
        v1:AAAA!BBBBBBA  crash, rival at 4 delete
      violated: 1 backups used, 0 callers rotated
        v1:AAA~  lost-reply at 3 delete
        v1:AAAAA!A  crash at 5 insert
        v1:AAAAA!BA  crash, rival at 5 insert
        v1:AAAAAA!A  crash at 6 insert
        v1:AAAAAA!BA  crash, rival at 6 insert"
    `);
  });

  test('a transaction: every cell of every kind is green', { timeout: 60_000 }, async () => {
    const check = async (db: Db): Promise<void> => {
      expect(await db.collection('backups').countDocuments({ isUsed: true })).toBe(1);
      expect(await db.collection('bindings').countDocuments({ keyId: { $ne: 'k1' } })).toBe(1);
    };
    await using one = await scenario({ clients: 2, flow: inTransaction, check });
    const cells = await one.grid();
    // Not the step-downs: this set has one member.
    expect(cells).toHaveLength(5 * (FAULT_KINDS.length - 2) * 2);
    expect(cells.flatMap(({ result }) => (result.verdict.kind === 'violated' ? [formatRun(result)] : []))).toEqual([]);
  });

  test('one client has no rival', async () => {
    await using one = await scenario({ clients: 1, flow: checkedClaim });
    const cells = await one.grid({ kinds: ['reset'] });
    expect(cells.map(({ command, name, hasRival }) => [command, name, hasRival])).toEqual(
      ['find', 'findAndModify', 'delete', 'delete', 'insert', 'insert'].map((name, command) => [command, name, false]),
    );
  });
});

test('who met a conflict begins again also between the crash of the other one and its next attempt', async () => {
  const takeCoupon = async ({ mongo }: FlowClient, db: Db): Promise<string> => {
    const coupons = db.collection<{ _id: string; used: boolean }>('coupons');
    for (const attempt of ['first', 'second', 'third']) {
      await using session = mongo.startSession({ causalConsistency: false });
      session.startTransaction();
      try {
        const coupon = await coupons.findOne({ used: false }, { session });
        if (coupon !== null && attempt === 'first')
          await coupons.updateOne({ _id: coupon._id }, { $set: { used: true } }, { session });
        await session.commitTransaction();
        return `${attempt} attempt: ${coupon === null ? 'none' : 'free'}`;
      } catch {
        // a conflict: the next attempt only looks
      }
    }
    return 'gave up';
  };
  const reset = async (db: Db): Promise<void> => {
    await db.collection('coupons').deleteMany({});
    await db.collection<{ _id: string }>('coupons').insertOne({ _id: 'c1', used: false } as { _id: string });
  };
  await using one = await scenario({ clients: 2, flow: takeCoupon, reset, check: () => undefined });
  const told = new Set<string>();
  await one.explore({
    faults: { kinds: ['crash'], clients: [0] },
    onClass: ({ outcomes: [, b] }) => void told.add(b?.kind === 'returned' ? b.value : ''),
  });
  expect([...told].toSorted()).toEqual([
    'first attempt: free',
    'first attempt: none',
    'second attempt: free',
    'second attempt: none',
  ]);
});
