import type { Row } from '../../src/report/row.ts';
import type { StormTrial } from '../../src/trial/trial.ts';

/** A row of a report as a good storm leaves it, but for these parts. */
export const row = ({ trial, ...parts }: Partial<Omit<Row, 'trial'>> & { trial?: Partial<StormTrial> } = {}): Row => ({
  trial: {
    scenario: 'one-seat',
    flow: 'atomic',
    deployment: 'hall',
    expected: 'valid',
    processes: 1,
    size: {},
    seed: 1,
    ...trial,
  },
  processes: 1,
  callers: 500,
  verdict: 'valid',
  judged: 'every-commit',
  violations: [],
  reproduce: 'pnpm seats --seed 1',
  storm: {
    answers: { reserved: { count: 1, p50Ms: 12.4, p99Ms: 12.6 } },
    contention: { overlap: 500, contested: 499, conflicts: 3, lostRaces: 0 },
    columns: { sold: 1, wasted: 0 },
    statesBetween: 2,
    durationMs: 40,
  },
  ...parts,
});
