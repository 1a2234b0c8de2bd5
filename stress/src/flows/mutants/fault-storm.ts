import type { FaultPlace, StormFault } from 'mongo-harness';

const KEYS = 60;
const CALLERS = 4 * KEYS;

/** Each key has several callers, in two processes: those that come late learn what became of the first. */
export const contendedKeys = (fault: StormFault): FaultPlace => ({
  fault,
  scenario: 'many-keys',
  deployment: 'keypool',
  processes: 2,
  size: { keys: KEYS, callers: CALLERS },
});
