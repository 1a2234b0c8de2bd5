import type { Commit, Run } from 'mongo-harness';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import { commitsBetween } from './commits.ts';
import { alreadyRotated, busy, rotated, type Call } from './histories.ts';
import { pool, toSnapshot } from './pool-states.ts';

/*
 * Valid runs of any size, in the shapes that a check could take too long for: many keys, many callers of one key, and one chain in which each
 * replacement fails again.
 */

export const LARGE_RUNS = {
  'many keys': (calls: number): Step[] =>
    Array.from({ length: Math.ceil(calls / 5) }, (_, index) => ({ from: `k${index}`, to: `b${index}`, callers: 5 })),
  'one key': (calls: number): Step[] => [{ from: 'k0', to: 'b0', callers: calls }],
  'one chain': (calls: number): Step[] =>
    Array.from({ length: Math.ceil(calls / 2) }, (_, index) => ({
      from: index === 0 ? 'k0' : `b${index - 1}`,
      to: `b${index}`,
      callers: 2,
    })),
} as const;

/** A rotation, and how many callers ask for it. */
interface Step {
  readonly from: string;
  readonly to: string;
  readonly callers: number;
}

/** Steps come one after the other; the callers of one at once. */
const STEP_MS = 10;

export function largeRun(shape: keyof typeof LARGE_RUNS, calls: number, isLogged: boolean): Run<RotationTypes> {
  const steps = LARGE_RUNS[shape](calls);
  const installed = new Set(steps.map(({ to }) => to));
  const begins = steps.filter(({ from }) => !installed.has(from));
  const retired = new Set(steps.map(({ from }) => from));
  const ends = steps.filter(({ to }) => !retired.has(to));
  const proxyOf = new Map<string, string>();
  for (const { from, to } of steps) proxyOf.set(to, proxyOf.get(from) ?? from);
  return {
    scenario: 'many-keys',
    start: toSnapshot(
      pool({
        keys: begins.map(({ from }) => from),
        free: steps.map(({ to }) => to),
        bindings: Object.fromEntries(begins.map(({ from }) => [from, from])),
      }),
    ),
    between: [],
    ...(isLogged ? { commits: steps.flatMap(({ from, to }) => commitOf(from, to, proxyOf.get(to) ?? '')) } : {}),
    final: toSnapshot(
      pool({
        keys: ends.map(({ to }) => to),
        used: Object.fromEntries(steps.map(({ from, to }) => [to, from])),
        bindings: Object.fromEntries(ends.map(({ to }) => [proxyOf.get(to) ?? '', to])),
      }),
    ),
    history: {
      unit: 'ms',
      operations: steps.flatMap(({ from, to, callers }, index) =>
        Array.from({ length: callers }, (_, one) => ({
          caller: index * callers + one,
          process: one % 4,
          service: 'keypool',
          call: { op: 'rotate' as const, keyId: from },
          invokedAtMs: index * STEP_MS,
          completedAtMs: index * STEP_MS + STEP_MS - 1,
          answer: answerOf(one, to),
        })),
      ),
      claims: steps.map(({ from, to }) => ({ keyId: from, backupId: to })),
      conflicts: 0,
      lostRaces: 0,
    },
    expectedErrors: [],
  };
}

/** One caller wins, and one of the others is told to come again. */
const answerOf = (one: number, replacement: string): Call[2] => {
  if (one === 0) return rotated(replacement);
  return one === 2 ? busy : alreadyRotated(replacement);
};

const commitOf = (from: string, to: string, proxy: string): Commit<RotationTypes>[] =>
  commitsBetween(
    pool({ keys: [from], free: [to], bindings: { [proxy]: from } }),
    pool({ keys: [to], used: { [to]: from }, bindings: { [proxy]: to } }),
  );
