import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkRun } from '../../src/checker/check-run.ts';
import { plant, planted } from '../support/planted.ts';
import { sequentialRun } from '../support/random-run.ts';

/* The checker's verdict in linear time, against a search through all orders of a handful of calls. */

const RUNS = 3_000;
const MAX_CALLS = 5;
/** Of each verdict, so that neither is left out. */
const MIN_RUNS = 500;
const SEED = Math.floor(Math.random() * 2 ** 31);

test.each([false, true])(`says what a search through all orders says (with the log: %s, seed ${SEED})`, (isLogged) => {
  const verdicts = { explained: 0, refused: 0 };
  fc.assert(
    fc.property(sequentialRun(MAX_CALLS), planted, (made, change) => {
      const found = plant(made, change, isLogged);
      fc.pre(found !== undefined);
      const { run, isExplained } = found;
      verdicts[isExplained ? 'explained' : 'refused']++;
      expect({ isExplained: checkRun(run).length === 0, run }).toEqual({ isExplained, run });
    }),
    { numRuns: RUNS, seed: SEED, maxSkipsPerRun: 10 },
  );
  expect(Math.min(verdicts.explained, verdicts.refused)).toBeGreaterThan(MIN_RUNS);
});
