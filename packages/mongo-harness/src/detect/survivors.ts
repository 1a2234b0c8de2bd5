import type { DetectionRow } from './detection.ts';

/** The mutants that were not caught by what catches every time. */
export interface Survivors {
  /** Looked like good flows in every interleaving, and with a fault at every command. */
  readonly survived: readonly string[];
  /** The limit of time came first. */
  readonly untried: readonly string[];
}

export function survivorsOf(rows: readonly DetectionRow[]): Survivors {
  const missed = rows.filter(({ by: { exhaustive, crash } }) => (exhaustive ?? crash ?? null) === null);
  const isUntried = ({ by: { exhaustive, crash } }: DetectionRow): boolean =>
    exhaustive === undefined || crash === undefined;
  return {
    survived: missed.filter((row) => !isUntried(row)).map(({ flow }) => flow),
    untried: missed.filter(isUntried).map(({ flow }) => flow),
  };
}
