import { setTimeout as sleep } from 'node:timers/promises';
import pLimit from 'p-limit';
import type { SystemTypes } from '../system/system-types.ts';
import type { Recovery, System } from '../system/system.ts';
import { openCaller, type CallerOptions } from './caller.ts';
import type { Start, TimedCall } from './timetable.ts';
import { Waves } from './waves.ts';

export interface CallsOptions<T extends SystemTypes> extends CallerOptions<T> {
  readonly calls: readonly TimedCall<T>[];
  readonly next: System<T>['next'];
  /** What a caller asks at once who could not know. Default: nothing. */
  readonly inquiry?: Recovery<T>['inquiry'];
  readonly maxConcurrency: number;
  /** Of the calls that are timed. Default: none are. */
  readonly waves?: Waves;
}

/** Makes all calls of one process, as many at once as allowed; the late ones when half of the others have their answer. */
export async function runCalls<T extends SystemTypes>(options: CallsOptions<T>): Promise<void> {
  const { calls, next, inquiry, maxConcurrency, nowMs, waves = new Waves() } = options;
  const limit = pLimit(maxConcurrency);
  const makeCall = openCaller(options);
  const early = calls.filter(({ late }) => late !== true);
  const lateStart = Promise.withResolvers<void>();
  let answered = 0;
  if (early.length === 0) lateStart.resolve();

  const callAndFollow = async ({ caller, call, follow = 0 }: TimedCall<T>): Promise<void> => {
    let asked: T['call'] | undefined = call;
    for (let time = 0; time <= follow && asked !== undefined; time++) {
      const answer = await makeCall(caller, asked);
      const inquired = inquiry?.(asked, answer);
      if (inquired !== undefined) await makeCall(caller, inquired);
      asked = next?.(asked, answer);
    }
    answered++;
    if (answered >= early.length / 2) lateStart.resolve();
  };

  await Promise.all(
    calls.map(async (call) => {
      if (call.late === true) await lateStart.promise;
      if (call.start !== undefined) await sleep(Math.max(0, (await atMsOf(waves, call.start)) - nowMs()));
      await limit(callAndFollow, call);
    }),
  );
}

const atMsOf = async (waves: Waves, start: Start): Promise<number> =>
  start === 'mended' ? await waves.mended : (await waves.begun(start.wave)) + start.afterMs;
