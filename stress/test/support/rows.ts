import type { RunResult } from '../../src/report/run-result.ts';

/** A row of a report as a good run of the reference leaves it, but for these parts. */
export const row = (parts: Partial<RunResult> = {}): RunResult => ({
  scenario: 'same-key',
  subject: 'reference',
  adapter: 'keypool',
  processes: 1,
  callers: 500,
  expected: 'valid',
  verdict: 'valid',
  outcomes: { rotated: { count: 1, p50Ms: 12.4, p99Ms: 12.6 } },
  backupsUsed: 1,
  backupsWasted: 0,
  contention: { overlap: 500, contested: 499, conflicts: 3, lostRaces: 0 },
  violations: [],
  statesBetween: 2,
  durationMs: 40,
  reproduce: 'pnpm stress --seed 1',
  ...parts,
});
