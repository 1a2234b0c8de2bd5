import { MongoClient, type Db } from 'mongodb';
import { createTestDatabaseName, exploringSet } from 'test-kit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { formatRun, interleave, type FlowClient, type InterleaveSession, type RunResult } from '../src/index.ts';
import { checkedClaim, createCollections, inTransaction, rotationScenario } from './support/rotation.ts';

const set = exploringSet();
const database = createTestDatabaseName('explore');
const control = new MongoClient(set.uri);
beforeAll(() => createCollections(control.db(database)));
afterAll(() => control.close());

/** A busy machine takes several times the usual 7 s for the largest of these. */
const maxDurationMs = 150_000;

const rotations = (flow: typeof checkedClaim, clients: number): Promise<InterleaveSession<string>> =>
  interleave({ uri: set.uri, database, clients, flow, ...rotationScenario });

describe('all interleavings up to equivalence', () => {
  // The counts were computed on a model of the flow, without this code.
  test.each([
    ['checked-claim', 2, checkedClaim, { classes: 10, redundant: 0, violated: 8 }],
    ['checked-claim', 3, checkedClaim, { classes: 81, redundant: 1, violated: 78 }],
    ['a transaction', 2, inTransaction, { classes: 4, redundant: 1, violated: 0 }],
    ['a transaction', 3, inTransaction, { classes: 12, redundant: 4, violated: 0 }],
  ])('%s, %i clients', { timeout: maxDurationMs + 10_000 }, async (_name, clients, flow, expected) => {
    await using scenario = await rotations(flow, clients);
    const seen: RunResult<string>[] = [];
    const { classes, redundant, runs, complete, violated, conditions, ends, seconds, fractionDone } =
      await scenario.explore({
        maxDurationMs,
        onClass: (result) => seen.push(result),
      });
    expect({ classes, redundant, runs, complete, violated }).toEqual({
      ...expected,
      runs: expected.classes + expected.redundant,
      complete: true,
    });
    const kinds = conditions.map(({ kind }) => kind);
    expect([...new Set(kinds)]).toEqual(flow === inTransaction ? ['restart'] : []);
    expect(ends).toEqual(Array.from({ length: clients }, () => ({ returned: expected.classes, threw: 0, hanging: 0 })));
    expect(seconds).toBeGreaterThan(0);
    expect(fractionDone).toBeCloseTo(1);
    expect(new Set(seen.map(({ token }) => token)).size).toBe(expected.classes);
    // The data holds credentials; nothing that is printed does.
    const secret = /secret/;
    expect(seen.map(formatRun).filter((text) => secret.test(text))).toEqual([]);
  });
});

test(
  'checked-claim, 4 clients: 652 classes, each once, on two databases',
  { timeout: maxDurationMs + 10_000 },
  async () => {
    await createCollections(control.db(`${database}_2`));
    await using scenario = await rotations(checkedClaim, 4);
    const tokens = new Set<string>();
    const found = await scenario.explore({ workers: 2, maxDurationMs, onClass: ({ token }) => tokens.add(token) });
    expect({ classes: found.classes, complete: found.complete, tokens: tokens.size }).toEqual({
      classes: 652,
      complete: true,
      tokens: 652,
    });
  },
);

describe('limits', () => {
  test('maxRuns, and the exploration says that it is not complete', async () => {
    await using scenario = await rotations(checkedClaim, 2);
    expect(await scenario.explore({ maxRuns: 3 })).toMatchObject({ runs: 3, complete: false });
    expect(await scenario.explore({ maxDurationMs: 0.001 })).toMatchObject({ runs: 0, complete: false });
  });

  test('maxViolations', async () => {
    await using scenario = await rotations(checkedClaim, 2);
    const { violated, complete } = await scenario.explore({ maxViolations: 2 });
    expect({ violated, complete }).toEqual({ violated: 2, complete: false });
  });

  test.each(['maxRuns', 'maxDurationMs', 'maxViolations'])('%s is above 0', async (name) => {
    await using scenario = await rotations(checkedClaim, 1);
    await expect(scenario.explore({ [name]: 0 })).rejects.toThrow(expect.objectContaining({ code: 'invalid-option' }));
  });
});

test('a unique index makes inserts depend on each other; without it they would count as one class', async () => {
  await control.db(database).collection('users').createIndex({ email: 1 }, { unique: true });
  const counts: number[] = [];
  for (const emailOf of [() => 'same', ({ letter }: FlowClient) => letter]) {
    await using scenario = await interleave({
      uri: set.uri,
      database,
      clients: 2,
      reset: async (db: Db) => {
        await db.collection('users').deleteMany({});
      },
      flow: (client, db) => db.collection('users').insertOne({ email: emailOf(client) }),
      check: () => undefined,
    });
    const { classes } = await scenario.explore();
    counts.push(classes);
  }
  expect(counts).toEqual([2, 1]);
});
