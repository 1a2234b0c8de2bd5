import { setTimeout as sleep } from 'node:timers/promises';
import { isServed } from '../nemesis/recovery.ts';
import type { PlannedCall } from '../system/scenario.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { openCaller, type CallerOptions } from './caller.ts';

export interface ProbeOptions<T extends SystemTypes> extends CallerOptions<T> {
  readonly recovery: System<T>['recovery'];
  readonly calls: readonly PlannedCall<T>[];
  /** From now on; no call begins later. */
  readonly maxWaitMs: number;
}

/** A caller that is told to come again later does so. */
const PAUSE_MS = 100;

/** Makes each call until it is served, or the time is over. All at once. */
export async function probeCalls<T extends SystemTypes>(options: ProbeOptions<T>): Promise<void> {
  const { nowMs, recovery, calls, maxWaitMs } = options;
  const makeCall = openCaller(options);
  const deadlineMs = nowMs() + maxWaitMs;
  await Promise.all(
    calls.map(async ({ caller, call }) => {
      while (!isServed(recovery, await makeCall(caller, call)) && nowMs() < deadlineMs) await sleep(PAUSE_MS);
    }),
  );
}
