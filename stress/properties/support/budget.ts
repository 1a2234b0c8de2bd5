/*
 * What may be chosen from outside: ROTATION_RUNS, the number of workloads for each property; ROTATION_SEED and ROTATION_PATH, which
 * every failure prints, to see it again. Timing is not in them: a race may need several tries to come back.
 */
const DEFAULT_RUNS = 12;
const MAX_RUNS = 100_000;
const SEED_COUNT = 2 ** 31;

export const runs = wholeNumber('ROTATION_RUNS', 1, MAX_RUNS) ?? DEFAULT_RUNS;
export const seed = wholeNumber('ROTATION_SEED', 0, SEED_COUNT - 1) ?? Math.floor(Math.random() * SEED_COUNT);
export const path = process.env['ROTATION_PATH'];

/** Long enough for all runs on a busy machine; a run alone is bounded by its own limit. */
export const maxDurationMs = 120_000 + runs * 2_000;

function wholeNumber(name: string, min: number, max: number): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < min || value > max)
    throw new RangeError(`${name}: expected a whole number from ${min} to ${max}, got ${text}`);
  return value;
}
