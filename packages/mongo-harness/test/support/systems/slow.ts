import { setTimeout as sleep } from 'node:timers/promises';
import type { System } from '../../../src/index.ts';
import seatsSystem, { atomic, type Seats } from '../seats-system.ts';

/** A call is under way for so long, as one that asks another service when it has its seat. */
const CALL_MS = 500;

const slow: System<Seats> = {
  ...seatsSystem,
  name: 'slow',
  flows: [
    {
      ...atomic,
      open: (...given) => {
        const flow = atomic.open(...given);
        return {
          call: async (caller, call) => {
            const answer = await flow.call(caller, call);
            await sleep(CALL_MS);
            return answer;
          },
        };
      },
    },
  ],
};
export default slow;
