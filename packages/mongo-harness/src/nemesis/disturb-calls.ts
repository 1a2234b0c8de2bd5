import type { FaultMethod, Impatience } from './fault-method.ts';
import { between, hold } from './hold.ts';

const MIN_ON_MS = 1_000;
const MAX_ON_MS = 3_000;
const MIN_PROBABILITY = 0.1;
const MAX_PROBABILITY = 0.9;
/** Some of these are over before the first command has its reply, and some before the commit has. */
const MIN_WAIT_MS = 1;
const MAX_WAIT_MS = 50;
const SEED_COUNT = 2 ** 31;

/** Over when callers are as patient as ever. */
const impatient =
  (onEnd: Impatience['onEnd'], what: string): FaultMethod =>
  async ({ callers, random }) => {
    const onMs = between(MIN_ON_MS, MAX_ON_MS, random);
    const probability = between(MIN_PROBABILITY, MAX_PROBABILITY, random);
    const seed = Math.floor(random() * SEED_COUNT);
    return {
      target: `${(100 * probability).toFixed(0)} % of callers ${what} ${MIN_WAIT_MS} to ${MAX_WAIT_MS} ms`,
      meetsBegins: onEnd === 'answered',
      run: async (signal) => {
        callers.setImpatience({ probability, minWaitMs: MIN_WAIT_MS, maxWaitMs: MAX_WAIT_MS, onEnd, seed });
        await hold(onMs, signal);
        callers.setImpatience(undefined);
      },
    };
  };

export const abort: FaultMethod = impatient('given-up', 'give up after');
export const tinyDeadline: FaultMethod = impatient('answered', 'have a deadline of');
