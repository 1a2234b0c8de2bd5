import type { Row } from '../report/row.ts';
import type { FaultPlace } from '../system/flow.ts';
import { DEFAULT_ROUND_MS, type Rounds, type StormTrial } from '../trial/trial.ts';

/** Each round has one fault, so that it is judged soon. */
const ONE_A_ROUND = { everyMs: 1, roundMs: DEFAULT_ROUND_MS, maxSteps: 1 } as const;

/** A storm with this fault in each round. */
export const faultTrial = (
  { fault, scenario, deployment, processes = 1, size = {} }: FaultPlace,
  trial: Pick<StormTrial, 'flow' | 'expected' | 'seed'>,
  rounds: Pick<Rounds, 'forMs' | 'goOn'>,
): StormTrial => ({
  ...trial,
  scenario,
  deployment,
  processes,
  size,
  rounds: { ...rounds, faults: [fault], ...ONE_A_ROUND },
});

/** What storms with faults have in common, all of them together. */
export interface FaultTotals {
  /** Those that came to a verdict. */
  readonly judged: readonly Row[];
  readonly rounds: number;
  /** Rounds in which an invariant was broken. */
  readonly violatedRounds: number;
  readonly calls: number;
  /** Faults that met calls under way. */
  readonly hit: number;
  /** Why the others came to no verdict. */
  readonly reasons: readonly string[];
}

/** Pure. */
export function totalsOf(rows: readonly Row[]): FaultTotals {
  const judged = rows.filter(({ verdict }) => verdict !== 'unknown');
  const rounds = judged.flatMap(({ storm }) => storm?.rounds ?? []);
  return {
    judged,
    rounds: sum(rounds.map((round) => round.judged)),
    violatedRounds: sum(rounds.map(({ violated }) => violated)),
    calls: sum(rounds.map(({ calls }) => calls)),
    hit: sum(rounds.flatMap(({ faults }) => faults.map(({ hit }) => hit))),
    reasons: [...new Set(rows.flatMap(({ verdict, reason }) => (verdict === 'unknown' ? [reason ?? 'unknown'] : [])))],
  };
}

export const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
