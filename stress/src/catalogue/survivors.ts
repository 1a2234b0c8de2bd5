import type { Detections } from './detection.ts';

/** Who was not caught by what catches every time. */
export interface Survivors {
  /** Looked like a good flow in every interleaving, and with a fault at every command. */
  readonly survived: readonly string[];
  /** The time limit came first. */
  readonly untried: readonly string[];
}

export function survivorsOf(rows: readonly Detections[]): Survivors {
  const missed = rows.filter(({ by: { exhaustive, crash } }) => (exhaustive ?? crash ?? null) === null);
  const isUntried = ({ by: { exhaustive, crash } }: Detections): boolean =>
    exhaustive === undefined || crash === undefined;
  return {
    survived: missed.filter((row) => !isUntried(row)).map(({ subject }) => subject.name),
    untried: missed.filter(isUntried).map(({ subject }) => subject.name),
  };
}
