import type { Scenario } from 'mongo-harness';
import type { RotateCall, RotationTypes } from '../model/rotation-types.ts';
import { backupsFor, bindThrice, callEach, callersOf, numbered } from './build.ts';

/** Of a storm with an even number of processes, each second one has the older flow. */
const isOlder = (caller: number): boolean => caller % 2 === 1;

const callOf = (keyId: string, caller: number): RotateCall =>
  isOlder(caller) ? { op: 'rotate', keyId, by: 'older-flow' } : { op: 'rotate', keyId };

/** A service is rolled out; checker/check-beside-older-flow.ts judges what the new processes do. */
export const olderFlow: Scenario<RotationTypes> = {
  name: 'older-flow',
  about: 'several keys fail while a service is rolled out: half of the processes still have the flow of before',
  sizes: [{ name: 'keys', about: 'keys of a storm that fail' }],
  storm: ({ keys = 20, callers = 8 * keys }, random) => {
    const ids = numbered('k', keys);
    return {
      start: { keys: ids, backups: numbered('b', callers), bindings: ids.flatMap((id) => bindThrice(id)) },
      calls: callEach(ids, callers, random, callOf),
    };
  },
  gated: (callers) => ({
    start: { keys: ['k1'], backups: backupsFor(callers, false), bindings: bindThrice('k1').slice(0, 2) },
    clients: callersOf(callers, false, (caller) => ({ caller, call: callOf('k1', caller) })),
  }),
};
