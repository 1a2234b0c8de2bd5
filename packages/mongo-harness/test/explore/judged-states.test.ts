import type { Collection, Db } from 'mongodb';
import { exploringSet } from 'test-kit';
import { describe, expect, test } from 'vitest';
import { runExploration } from '../../src/explore/run.ts';
import type { JudgedStates } from '../../src/system/judged-states.ts';
import type { System } from '../../src/system/system.ts';
import type { SystemTypes } from '../../src/system/system-types.ts';

interface Accounts extends SystemTypes {
  readonly call: 'transfer' | 'deposit' | 'refund';
  readonly answer: { readonly kind: 'done' };
  /** Balances of `a` and `b`, in that order. */
  readonly state: readonly number[];
}

const accountsOf = (db: Db): Collection<{ _id: string; balance: number }> => db.collection('accounts');

const add = (db: Db, _id: string, balance: number): Promise<unknown> =>
  accountsOf(db).updateOne({ _id }, { $inc: { balance } });

const CALLS: Readonly<Record<Accounts['call'], (db: Db) => Promise<unknown>>> = {
  // Between the two writes the money is nowhere.
  transfer: async (db) => {
    await add(db, 'a', -10);
    await add(db, 'b', 10);
  },
  deposit: (db) => add(db, 'a', 10),
  refund: (db) => add(db, 'b', -10),
};

const systemOf = (
  calls: readonly Accounts['call'][],
  isKept: (state: readonly number[]) => boolean,
): System<Accounts> => ({
  name: 'accounts',
  invariants: { A1: 'no money is lost' },
  deployments: [{ name: 'd', services: [{ name: 'd' }] }],
  scenarios: [
    {
      name: 's',
      about: 'one call in each client',
      gated: () => ({ start: undefined, clients: calls.map((call, caller) => ({ calls: [{ caller, call }] })) }),
    },
  ],
  flows: [
    {
      name: 'single-statements',
      about: 'each write is a commit of its own',
      expected: 'valid',
      storms: [],
      explorations: [],
      open: (db) => ({
        call: async (_caller, call) => {
          await CALLS[call](db);
          return { kind: 'done' };
        },
      }),
    },
  ],
  fill: async (db) => {
    await accountsOf(db).insertMany(['a', 'b'].map((_id) => ({ _id, balance: 10 })));
  },
  read: async (db) => (await accountsOf(db).find().sort({ _id: 1 }).toArray()).map(({ balance }) => balance),
  check: ({ between, final }) =>
    [...between, final].flatMap((state) =>
      isKept(state) ? [] : [{ invariant: 'A1', sentence: `the accounts held ${state.join(' and ')}` }],
    ),
});

/** What the simplest violated schedule broke; undefined where each class is valid. */
async function firstSentence(system: System<Accounts>, judged?: JudgedStates): Promise<string | undefined> {
  const trial = { flow: 'single-statements', scenario: 's', deployment: 'd', callers: 2, ...(judged && { judged }) };
  const limits = { maxViolations: Infinity, signal: AbortSignal.timeout(30_000) };
  const { complete, simplest } = await runExploration(system, exploringSet().uri, trial, limits);
  expect(complete).toBe(true);
  return simplest?.verdict.kind === 'violated' ? (simplest.verdict.error as Error).message : undefined;
}

describe('each write outside a transaction is a commit', () => {
  const system = systemOf(['transfer'], ([a = 0, b = 0]) => a + b === 20);

  // Red where only commits of transactions and faults are looked at.
  test('the state after it is judged', async () => {
    expect(await firstSentence(system)).toBe('A1: the accounts held 0 and 10');
    expect(await firstSentence(system, 'every-commit')).toBe('A1: the accounts held 0 and 10');
  });

  test('a saga is judged by what is left at the end', async () => {
    expect(await firstSentence(system, 'end')).toBeUndefined();
  });
});

// Red where the two orders of writes that commute count as one class: the deposit comes first, and the state of the other order is not met.
test('of two writes that commute, the states between them are met in both orders', async () => {
  const system = systemOf(['deposit', 'refund'], ([a = 0, b = 0]) => a + b >= 20);
  expect(await firstSentence(system)).toBe('A1: the accounts held 10 and 0');
});
