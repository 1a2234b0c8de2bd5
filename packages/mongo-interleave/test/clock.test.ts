import { MongoClient } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatRun, interleave, type InterleaveSession } from '../src/index.ts';

/* Time is a choice of the schedule: a clock that the flow asks, and whose ticks are steps. */

const set = exploringSet();
const database = createTestDatabaseName('clock');
const control = new MongoClient(set.uri);
beforeAll(async () => {
  await control.db(database).createCollection('leases');
});
afterAll(() => control.close());

interface Lease {
  readonly _id: string;
  readonly owner: string | null;
  readonly expiresAt: Date;
}
const LEASE_MS = 30_000;
const job = { _id: 'job' };
const start = new Date('2030-05-05T12:00:00Z');

/** Takes the lease if it is free or has expired, does the work if the lease still seems to be its own, and gives it back. */
const open = (ticksMs?: readonly number[]): Promise<InterleaveSession<string>> =>
  interleave({
    uri: set.uri,
    database,
    clients: 2,
    reset: async (db) => {
      await db.collection('leases').deleteMany({});
      await db.collection('work').deleteMany({});
      await db.collection<Lease>('leases').insertOne({ ...job, owner: null, expiresAt: start });
    },
    flow: async (client, db) => {
      const leases = db.collection<Lease>('leases');
      const now = ticksMs === undefined ? start : await client.now();
      const expiresAt = new Date(now.getTime() + LEASE_MS);
      const free = { ...job, $or: [{ owner: null }, { expiresAt: { $lte: now } }] };
      const { matchedCount } = await leases.updateOne(free, { $set: { owner: client.letter, expiresAt } });
      if (matchedCount === 0) return 'busy';
      // The lease may expire between its check above and its use here.
      await db.collection('work').insertOne({ by: client.letter });
      return 'done';
    },
    check: async (db) => {
      expect(await db.collection('work').countDocuments()).toBe(1);
    },
    ...(ticksMs === undefined ? {} : { clock: { start, ticksMs } }),
  });

test('a lease that expires between its check and its use is found only if time passes', async () => {
  await using still = await open();
  expect(await still.explore()).toMatchObject({ complete: true, violations: [] });
  await using early = await open([LEASE_MS - 1]);
  expect(await early.explore()).toMatchObject({ complete: true, violations: [] });
  await using late = await open([LEASE_MS]);
  const { complete, violations } = await late.explore();
  expect(complete).toBe(true);
  const [violation] = violations;
  if (violation === undefined) throw new Error('no violation');
  expect(violation.outcomes.slice(0, 2)).toEqual([
    { kind: 'returned', value: 'done' },
    { kind: 'returned', value: 'done' },
  ]);
  // The clock is client C: it has a column, and its ticks have their place in the token.
  expect(violation.token).toMatch(/^v1:[AB]+C[AB]+$/);
  expect(formatRun(violation)).toMatch(/^ +A +B +C \(clock\)$/m);
  expect(await late.run(violation.token)).toMatchObject({ token: violation.token, trace: violation.trace });
});

test('check gets the outcomes of its own clients, and each run starts at the start', async () => {
  const times: string[] = [];
  await using session = await interleave({
    uri: set.uri,
    database,
    clients: 1,
    reset: async () => undefined,
    flow: async (client) => {
      const before = await client.now();
      return [before, await client.now()].map((at) => at.toISOString().slice(11, 19)).join(' ');
    },
    check: (_db, outcomes) => {
      expect(outcomes).toHaveLength(1);
      for (const outcome of outcomes) if (outcome.kind === 'returned') times.push(outcome.value);
    },
    clock: { start, ticksMs: [1_000, 60_000] },
  });
  await session.explore();
  expect(new Set(times)).toEqual(
    new Set(
      ['12:00:00', '12:00:01', '12:01:01'].flatMap((at, index, all) => all.slice(index).map((to) => `${at} ${to}`)),
    ),
  );
});

test('without a clock, and with one that stands still, an error says so', async () => {
  const options = {
    uri: set.uri,
    database: `${database}_none`,
    clients: 1,
    reset: async () => undefined,
    check: () => undefined,
  };
  await using session = await interleave({ ...options, flow: (client) => client.now() });
  await expect(session.run('v1:A')).rejects.toThrow('client.now() needs the option clock');
  await expect(interleave({ ...options, flow: (client) => client.now(), clock: { ticksMs: [0] } })).rejects.toThrow(
    expect.objectContaining({
      code: 'invalid-option',
      message: 'each of clock.ticksMs must be a number above 0, not 0.',
    }),
  );
});

test('prepare and dispose are for the clients of the scenario only', async () => {
  const events: string[] = [];
  {
    await using session = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      reset: async () => undefined,
      prepare: async ({ letter }) => void events.push(`prepare ${letter}`),
      dispose: (_prepared, { letter }) => void events.push(`dispose ${letter}`),
      flow: (client) => client.now(),
      check: () => undefined,
      clock: { ticksMs: [1] },
    });
    await session.run('v1:ABC');
  }
  expect(events.toSorted()).toEqual(['dispose A', 'dispose B', 'prepare A', 'prepare B']);
});
