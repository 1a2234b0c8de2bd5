import { setTimeout as sleep } from 'node:timers/promises';
import { keysOf } from 'rotation-core/testing';
import { MAX_BARE_CONCURRENCY } from '../open-rotator.ts';
import type { RotationMutant } from '../rotation-flow.ts';
import { openWithSteps } from './broken-reference.ts';

/** What a service does between the commit and the delete; the others meet in this window. */
const OTHER_WORK_MS = 50;

const open = openWithSteps({ retireKeys: async (_transaction, { length }) => length });

export const lockByFind: RotationMutant = {
  name: 'lock-by-find',
  about:
    'the reference, but the failed key is only read in the transaction, and deleted after it: a find is not a lock',
  expected: 'violated',
  breaks: ['I5'],
  depth: 2,
  maxConcurrency: MAX_BARE_CONCURRENCY,
  storms: [{ scenario: 'same-key', deployment: 'keypool' }],
  explorations: [{ scenario: 'same-key', deployment: 'keypool', callers: 2 }],
  open: (db, pool, observer, surroundings) => {
    const flow = open(db, pool, observer, surroundings);
    return {
      ...flow,
      call: async (caller, call) => {
        const answer = await flow.call(caller, call);
        if (call.op !== 'rotate' || answer.kind !== 'rotated') return answer;
        if (!surroundings.gated) await sleep(OTHER_WORK_MS);
        await keysOf(db, pool).deleteOne({ _id: call.keyId });
        return answer;
      },
    };
  },
};
