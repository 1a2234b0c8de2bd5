import { exploringSet } from 'test-kit';
import { expect, test } from 'vitest';
import { runExploration } from '../../src/explore/run.ts';
import type { System } from '../../src/system/system.ts';
import type { SystemTypes } from '../../src/system/system-types.ts';

interface Locks extends SystemTypes {
  readonly call: 'lock';
  readonly answer: { readonly kind: 'locked' | 'taken' };
  readonly state: readonly { readonly owner: string }[];
}

/** Looks for the lock, then takes it, in a collection that `fill` does not make: two callers both find it free. */
const system: System<Locks> = {
  name: 'locks',
  invariants: { L1: 'one owner' },
  deployments: [{ name: 'd', services: [{ name: 'd' }] }],
  scenarios: [
    {
      name: 's',
      about: 'two callers of one lock',
      gated: (callers) => ({
        start: undefined,
        clients: Array.from({ length: callers }, (_, caller) => ({ calls: [{ caller, call: 'lock' }] })),
      }),
    },
  ],
  flows: [
    {
      name: 'look-then-take',
      about: 'looks, then takes',
      expected: 'valid',
      storms: [],
      explorations: [],
      open: (db) => ({
        call: async (caller) => {
          const locks = db.collection<{ _id: number; owner: string }>('locks');
          if ((await locks.findOne({})) !== null) return { kind: 'taken' };
          await locks.insertOne({ _id: caller, owner: `caller ${caller}` });
          return { kind: 'locked' };
        },
      }),
    },
  ],
  fill: async (db) => {
    await db.createCollection('other');
  },
  read: (db) => db.collection<{ owner: string }>('locks').find().sort({ _id: 1 }).toArray(),
  check: ({ final }) =>
    final.length > 1 ? [{ invariant: 'L1', sentence: `${final.map(({ owner }) => owner).join(' and ')} own it` }] : [],
};

// Red where only the collections of the start state are put back: the lock of the first schedule hides the race of all others.
test('what a flow puts into a collection of its own does not leak into the next schedule', async () => {
  const { uri } = exploringSet();
  const trial = { flow: 'look-then-take', scenario: 's', deployment: 'd', callers: 2 };
  const limits = { maxViolations: Infinity, signal: AbortSignal.timeout(30_000) };
  const { complete, simplest } = await runExploration(system, uri, trial, limits);
  expect(complete).toBe(true);
  expect(simplest?.verdict).toMatchObject({ kind: 'violated', error: { message: 'L1: caller 0 and caller 1 own it' } });
});
