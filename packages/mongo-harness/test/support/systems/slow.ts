import { setTimeout as sleep } from 'node:timers/promises';
import type { Flow, System } from '../../../src/index.ts';
import seatsSystem, { atomic, type Seats } from '../seats-system.ts';

/** A call is under way for so long, as one that asks another service when it has its seat. */
const CALL_MS = 500;
/** Much longer than a busy process explains. */
const LONG_CALL_MS = 3_000;

const slowly =
  (callMs: number): Flow<Seats>['open'] =>
  (...given) => {
    const flow = atomic.open(...given);
    return {
      call: async (caller, call) => {
        const answer = await flow.call(caller, call);
        await sleep(callMs);
        return answer;
      },
    };
  };

const slow: System<Seats> = {
  ...seatsSystem,
  name: 'slow',
  flows: [
    { ...atomic, open: slowly(CALL_MS) },
    {
      ...atomic,
      name: 'hasty',
      about: 'says that it answers within a tenth of a second, and that callers may give up, and does neither',
      deadlineMs: 100,
      takesPatience: true,
      storms: [],
      open: slowly(LONG_CALL_MS),
    },
  ],
};
export default slow;
