import type { Context } from '../report/context.ts';
import type { Row, Spread } from '../report/row.ts';
import { runStorms } from '../storm/rows.ts';
import type { AnyMutant, FaultPlace } from '../system/flow.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { StormTrial } from '../trial/trial.ts';
import { faultTrial, sum, totalsOf } from './fault-trials.ts';

export interface FaultEffort {
  /** Storms for each mutant and fault. */
  readonly tries: number;
  /** A storm begins no further round after so many milliseconds. */
  readonly budgetMs: number;
  readonly seed: number;
}

/** What the storms of one flow with one fault came to. JSON. */
export interface FaultRow {
  readonly flow: string;
  readonly place: FaultPlace;
  /** The invariants of which a mutant must be seen to break one. Absent for the flow that must break none. */
  readonly breaks?: readonly string[];
  /** Storms that came to a verdict. */
  readonly tries: number;
  /** Storms in which one of `breaks` was broken; where it is absent, any invariant at all. */
  readonly violated: number;
  /** Rounds of all these storms. */
  readonly rounds: number;
  /** Faults that met calls under way. */
  readonly hit: number;
  /** Of all these storms together. */
  readonly durationMs: number;
  /** From the beginning of a storm until the round was judged in which it was first violated. Absent where none was. */
  readonly firstViolationMs?: Spread;
  /** Why storms came to no verdict, or to another one. */
  readonly reasons: readonly string[];
}

/** The mutants that have storms with faults, and these storms. */
export const faultStormsOf = <T extends SystemTypes>(mutants: readonly AnyMutant<T>[]): FaultStorm[] =>
  mutants.flatMap(({ name: flow, breaks, faultStorms = [] }) => faultStorms.map((place) => ({ flow, breaks, place })));

export interface FaultStorm {
  readonly flow: string;
  readonly place: FaultPlace;
  readonly breaks?: readonly string[];
}

/** The first flow of the system in each place where a mutant is looked for, once each: it must not be caught. */
export function controlsOf<T extends SystemTypes>(
  { flows: [{ name: flow }] }: System<T>,
  storms: readonly FaultStorm[],
): FaultStorm[] {
  const places = new Map(storms.map(({ place }) => [JSON.stringify(place), place]));
  return [...places.values()].map((place) => ({ flow, place }));
}

/** The first flow goes on as long as the storms of all mutants in the same place together, in one storm. @param rows of the mutants */
export const controlEffort = (
  { place }: FaultStorm,
  rows: readonly FaultRow[],
  { seed }: Pick<FaultEffort, 'seed'>,
): FaultEffort => {
  const same = rows.filter((row) => JSON.stringify(row.place) === JSON.stringify(place));
  return { tries: 1, budgetMs: sum(same.map(({ durationMs }) => durationMs)), seed };
};

/** Seeds of two tries are so far apart that their rounds share none. */
const SEED_STEP = 1_000_003;

/** Lets storms rage with this fault in each round, one after the other, each until it is violated or its budget ends. */
export async function detectByFault<T extends SystemTypes>(
  context: Context<T>,
  site: Parameters<typeof runStorms<T>>[1],
  storm: FaultStorm,
  effort: FaultEffort,
): Promise<FaultRow> {
  const trials = Array.from({ length: effort.tries }, (_, number) => toTrial(storm, effort, number));
  return summarize(storm, await runStorms(context, site, trials));
}

const toTrial = ({ flow, place, breaks }: FaultStorm, { budgetMs, seed }: FaultEffort, number: number): StormTrial =>
  faultTrial(
    place,
    { flow, expected: breaks === undefined ? 'valid' : 'violated', seed: seed + number * SEED_STEP },
    { forMs: budgetMs, goOn: false },
  );

/** Pure. */
export function summarize({ flow, place, breaks }: FaultStorm, rows: readonly Row[]): FaultRow {
  const { judged, rounds, hit, reasons } = totalsOf(rows);
  const violated = judged.filter(
    ({ violations }) =>
      violations.length > 0 && (breaks === undefined || violations.some(({ invariant }) => breaks.includes(invariant))),
  );
  const others = judged.filter((row) => row.violations.length > 0 && !violated.includes(row));
  const durations = violated.map(({ storm }) => storm?.durationMs ?? 0).toSorted((a, b) => a - b);
  const max = durations.at(-1);
  return {
    flow,
    place,
    ...(breaks === undefined ? {} : { breaks }),
    tries: judged.length,
    violated: violated.length,
    rounds,
    hit,
    durationMs: sum(judged.map(({ storm }) => storm?.durationMs ?? 0)),
    ...(max === undefined
      ? {}
      : { firstViolationMs: { median: durations[Math.floor(durations.length / 2)] ?? max, max } }),
    reasons: [...reasons, ...new Set(others.map(({ violations: [first] }) => `${first?.invariant} was broken first`))],
  };
}

/** `passed`: a mutant was caught in each storm; the flow that must break nothing broke nothing, and some fault met its calls. */
export function judgeFaultRow({ breaks, tries, violated, hit, reasons }: FaultRow): 'passed' | 'failed' | 'unknown' {
  if (breaks === undefined ? violated > 0 : violated < tries) return 'failed';
  return reasons.length > 0 || tries === 0 || hit === 0 ? 'unknown' : 'passed';
}
