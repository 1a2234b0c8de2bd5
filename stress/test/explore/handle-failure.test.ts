import { isDeepStrictEqual } from 'node:util';
import { MongoClient, type Db } from 'mongodb';
import { formatRun, interleave, type InterleaveSession } from 'mongo-interleave';
import { keypool } from 'keypool';
import { openhandspool } from 'openhandspool';
import { createRotator, type FailureOutcome, type KeyDocument, type Pool, type UpstreamFailure } from 'rotation-core';
import { backupsOf, createRotatorOf, keysOf, referenceFlow } from 'rotation-core/testing';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/*
 * Two callers of `handleFailure` with one key, in every interleaving: a key that is not live any more is never written to, in no state
 * that is committed meanwhile, and a cool-down never shrinks.
 */

const { uri } = exploringSet();
const database = createTestDatabaseName('handle_failure');
const control = new MongoClient(uri);
const MAX_DURATION_MS = 100_000;
const POOLS = [keypool, openhandspool];

beforeAll(async () => {
  for (const pool of POOLS) await createRotator(control.db(database), pool).ensureIndexes();
});
afterAll(async () => {
  await control.db(database).dropDatabase();
  await control.close();
});

type RestingKey = KeyDocument & { cooldownUntil?: Date; lastError?: string };
type Handle = (db: Db, pool: Pool, failure: UpstreamFailure) => Promise<FailureOutcome>;

/** Longer than the first cool-down and shorter than the second. */
const RESTS_AT_START = new Date(Date.now() + 60 * 60_000);
const SHORT: UpstreamFailure = { status: 429, retryAfter: 60 };
const LONG: UpstreamFailure = { status: 429, retryAfter: 7_200 };
const LONGER: UpstreamFailure = { status: 429, retryAfter: 10_800 };
const EXHAUSTED: UpstreamFailure = { status: 402 };
const REFUSED: UpstreamFailure = { status: 401, body: 'refused' };

const k1: RestingKey = {
  _id: 'k1',
  apiKey: 'key of k1',
  status: 'healthy',
  createdAt: new Date('2026-01-01T00:00:00.000Z'),
};

const reference: Handle = (db, pool, failure) =>
  createRotatorOf(referenceFlow, db, pool, {
    coalesce: false,
    random: () => 0,
    endAbandonedAfterMs: false,
    deadlineMs: MAX_DURATION_MS,
  }).handleFailure(k1, failure);

/** Reads, decides and writes by id alone, as services do it by hand. */
const byHand: Handle = async (db, pool, failure) => {
  if (failure.status !== 429) return reference(db, pool, failure);
  const keys = keysOf(db, pool);
  const until = new Date(Date.now() + Number(failure.retryAfter) * 1_000);
  const now: RestingKey | null = await keys.findOne({ _id: 'k1' });
  if (now === null || (now.cooldownUntil ?? until) > until) return { kind: 'unaffected', keyId: 'k1' };
  await keys.updateOne({ _id: 'k1' }, [{ $set: { cooldownUntil: until } }]);
  return { kind: 'cooling-down', keyId: 'k1', until };
};

interface Explored {
  readonly pool: Pool;
  readonly handle?: Handle;
  readonly failures: readonly [UpstreamFailure, UpstreamFailure];
  /** Free backups at the start. */
  readonly stock: number;
  /** The cool-down of the key at the start. */
  readonly cooldownUntil?: Date;
  /** The second caller adds a backup before it handles its failure. */
  readonly restocks?: boolean;
}

/** How a run ended: what the callers were answered, and the key. */
interface Ending {
  readonly outcomes: readonly FailureOutcome[];
  readonly key: RestingKey | null;
}

const addBackup = async (db: Db, pool: Pool, index: number): Promise<void> => {
  await backupsOf(db, pool).insertOne({ _id: `b${index}`, apiKey: `backup ${index}`, isUsed: false });
};

async function open(
  { pool, handle = reference, failures, stock, cooldownUntil, restocks = false }: Explored,
  onEnding: (ending: Ending) => void,
): Promise<InterleaveSession<FailureOutcome>> {
  const readKey = async (db: Db): Promise<RestingKey | null> => keysOf(db, pool).findOne({ _id: 'k1' });
  const start: RestingKey = cooldownUntil === undefined ? k1 : { ...k1, cooldownUntil };
  let last: RestingKey | null = start;
  let faults: string[] = [];
  return interleave<FailureOutcome>({
    uri,
    database,
    clients: 2,
    showFields: ['status', 'replacedBy', 'isUsed', 'usedFor'],
    reset: async (db) => {
      last = start;
      faults = [];
      const { keys, backups, bindings } = pool.collections;
      for (const name of [keys, backups, bindings]) await db.collection(name).deleteMany({});
      await keysOf(db, pool).insertOne(start);
      await db.collection(bindings).insertOne({ proxyId: 'p1', [pool.bindingKeyField]: 'k1' });
      for (let index = 0; index < stock; index++) await addBackup(db, pool, index);
    },
    flow: async (client, db) => {
      if (client.letter === 'A') return handle(db, pool, failures[0]);
      if (restocks) await addBackup(db, pool, 0);
      return handle(db, pool, failures[1]);
    },
    onStep: async (_step, db) => {
      const key = await readKey(db);
      if (last === null && key !== null) faults.push('a deleted key came back');
      if (typeof last?.replacedBy === 'string' && !isDeepStrictEqual(key, last))
        faults.push('a retired key was written to');
      if (key !== null && (key.cooldownUntil ?? 0) < (last?.cooldownUntil ?? 0)) faults.push('a cool-down shrank');
      last = key;
    },
    check: async (db, outcomes) => {
      expect(faults).toEqual([]);
      const values = outcomes.map((outcome) => {
        if (outcome.kind !== 'returned') throw new Error(`a caller ended as ${JSON.stringify(outcome)}`);
        return outcome.value;
      });
      onEnding({ outcomes: values, key: await readKey(db) });
      const [binding] = await db.collection(pool.collections.bindings).find().toArray();
      const isRotated = values.some(({ kind }) => kind === 'rotated');
      expect(binding?.[pool.bindingKeyField]).toBe(isRotated ? 'b0' : 'k1');
    },
  });
}

/** Explores all interleavings, and expects none of them to be violated. @returns how each ended. */
async function exploreAll(explored: Explored): Promise<readonly Ending[]> {
  const seen: Ending[] = [];
  await using session = await open(explored, (ending) => seen.push(ending));
  const { classes, complete, violations } = await session.explore({ maxDurationMs: MAX_DURATION_MS });
  expect(violations.map(formatRun)).toEqual([]);
  expect(complete).toBe(true);
  expect(classes).toBeGreaterThan(1);
  return seen;
}

const kindsOf = (seen: readonly Ending[]): Set<string> =>
  new Set(seen.map(({ outcomes }) => outcomes.map(({ kind }) => kind).join(', ')));

describe.each(POOLS)('$name: every interleaving', { timeout: MAX_DURATION_MS }, (pool) => {
  const retired = pool === openhandspool ? { replacedBy: 'b0' } : null;

  test.each([SHORT, LONG])('a cool-down (%j) and a rotation', async (coolDown) => {
    const seen = await exploreAll({ pool, failures: [coolDown, EXHAUSTED], stock: 1, cooldownUntil: RESTS_AT_START });
    expect(kindsOf(seen)).toEqual(new Set(['cooling-down, rotated', 'already-rotated, rotated']));
    for (const { key } of seen) expect(key && { replacedBy: key.replacedBy }).toEqual(retired);
  });

  test('two cool-downs', async () => {
    const seen = await exploreAll({ pool, failures: [SHORT, LONG], stock: 0, cooldownUntil: RESTS_AT_START });
    expect(kindsOf(seen)).toEqual(new Set(['cooling-down, cooling-down']));
    for (const { outcomes, key } of seen) {
      const [short, long] = outcomes.map((outcome) => (outcome.kind === 'cooling-down' ? outcome.until : undefined));
      expect(long).toEqual(key?.cooldownUntil);
      expect([RESTS_AT_START, long]).toContainEqual(short);
    }
  });

  test.each([
    [EXHAUSTED, EXHAUSTED],
    [REFUSED, REFUSED],
    [EXHAUSTED, REFUSED],
  ])('two failures without a backup: %j, %j', async (first, second) => {
    const seen = await exploreAll({ pool, failures: [first, second], stock: 0 });
    expect(kindsOf(seen)).toEqual(new Set(['marked, already-marked', 'already-marked, marked']));
    for (const { outcomes, key } of seen) {
      const winner = outcomes[0]?.kind === 'marked' ? first : second;
      const marks =
        winner.status === 401
          ? { status: 'need_refresh', lastError: 'refused' }
          : { status: 'exhausted', lastError: undefined };
      expect({ status: key?.status, lastError: key?.lastError }).toEqual(marks);
    }
  });

  test.each([EXHAUSTED, REFUSED])('a failure without a backup (%j), and a caller that brings one', async (failure) => {
    const seen = await exploreAll({ pool, failures: [failure, EXHAUSTED], stock: 0, restocks: true });
    // The third: the first caller found no backup, and the second rotated the key before the first could mark it.
    expect(kindsOf(seen)).toEqual(new Set(['marked, rotated', 'rotated, already-rotated', 'already-rotated, rotated']));
    for (const { key } of seen) expect(key && { replacedBy: key.replacedBy }).toEqual(retired);
  });
});

describe('what services do by hand is caught', { timeout: MAX_DURATION_MS }, () => {
  test.each<readonly [string, Explored['failures'], number]>([
    ['a retired key was written to', [LONG, EXHAUSTED], 1],
    ['a cool-down shrank', [LONG, LONGER], 0],
  ])('%s', async (fault, failures, stock) => {
    await using session = await open({ pool: openhandspool, handle: byHand, failures, stock }, () => {});
    const { violations } = await session.explore({ maxDurationMs: MAX_DURATION_MS });
    expect(violations.map(({ verdict }) => verdict.kind)).toContain('violated');
    expect(violations.map(formatRun).join('\n')).toContain(fault);
  });
});
