import type { History, Operation } from '../../src/index.ts';
import type { Seats } from './seats-system.ts';

/** One call, and when it was made and answered. */
export const operation = (
  caller: number,
  invokedAtMs: number,
  completedAtMs: number,
  kind: 'reserved' | 'already-reserved' = 'reserved',
): Operation<Seats> => ({
  caller,
  process: 0,
  service: 'box-office',
  call: { op: 'reserve', seat: 's1' },
  invokedAtMs,
  completedAtMs,
  answer: kind === 'reserved' ? { kind, ticket: `s1 for ${caller}` } : { kind },
});

export const history = (
  operations: readonly Operation<Seats>[],
  parts: Partial<History<Seats>> = {},
): History<Seats> => ({
  unit: 'ms',
  operations,
  claims: [],
  conflicts: 0,
  lostRaces: 0,
  ...parts,
});
