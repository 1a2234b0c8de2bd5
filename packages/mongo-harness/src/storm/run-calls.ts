import pLimit from 'p-limit';
import { answerOf } from '../history/answer-of.ts';
import type { Recorder } from '../history/recorder.ts';
import type { OpenFlow } from '../system/flow.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';
import type { PlannedCall } from '../system/scenario.ts';
import type { System } from '../system/system.ts';

export interface CallsOptions<T extends SystemTypes> {
  readonly process: number;
  /** One for each service, which the callers come through in turn. */
  readonly flows: readonly { readonly service: string; readonly flow: OpenFlow<T> }[];
  readonly calls: readonly PlannedCall<T>[];
  readonly next: System<T>['next'];
  readonly maxConcurrency: number;
  readonly recorder: Recorder<T>;
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
}

/** Makes all calls of one process, as many at once as allowed; the late ones when half of the others have their answer. */
export async function runCalls<T extends SystemTypes>(options: CallsOptions<T>): Promise<void> {
  const { process, flows, calls, next, maxConcurrency, recorder, nowMs } = options;
  const limit = pLimit(maxConcurrency);
  const early = calls.filter(({ late }) => late !== true);
  const lateStart = Promise.withResolvers<void>();
  let answered = 0;
  if (early.length === 0) lateStart.resolve();

  const callOnce = async (caller: number, call: T['call']): Promise<T['answer'] | NoAnswer> => {
    const { service, flow } = flows[caller % flows.length] ?? { service: '', flow: undefined };
    if (flow === undefined) throw new TypeError('a run needs a service');
    const invocation = { caller, process, service, call, invoked: { atMs: nowMs() } };
    recorder.invoke(invocation);
    const answer = await answerOf(flow, caller, call);
    recorder.answer(invocation, answer, nowMs());
    return answer;
  };
  const callAndFollow = async ({ caller, call, follow = 0 }: PlannedCall<T>): Promise<void> => {
    let asked: T['call'] | undefined = call;
    for (let time = 0; time <= follow && asked !== undefined; time++) {
      const answer = await callOnce(caller, asked);
      asked = next?.(asked, answer);
    }
    answered++;
    if (answered >= early.length / 2) lateStart.resolve();
  };

  await Promise.all(
    calls.map(async (call) => {
      if (call.late === true) await lateStart.promise;
      await limit(callAndFollow, call);
    }),
  );
}
