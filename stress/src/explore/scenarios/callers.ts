import { numbered } from '../../scenarios/build.ts';
import type { ClientPlan, PairCall } from './pair-scenario.ts';

/** One caller in each client, and one more in the first where something can be shared. */
export function callersOf(count: number, shares: boolean, callOf: (caller: number) => PairCall): ClientPlan[] {
  const own = Array.from({ length: count }, (_, caller) => ({ calls: [callOf(caller)] }));
  const [first] = own;
  if (shares) first?.calls.push(callOf(count));
  return own;
}

/** One for each caller, and one more. */
export const backupsFor = (callers: number, shares: boolean): string[] => numbered('b', callers + (shares ? 1 : 0) + 1);
