import { answerOf } from '../history/answer-of.ts';
import type { CallRecorder } from '../history/recorder.ts';
import type { OpenFlow } from '../system/flow.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';

export interface CallerOptions<T extends SystemTypes> {
  readonly process: number;
  /** One for each service, which the callers come through in turn. */
  readonly flows: readonly { readonly service: string; readonly flow: OpenFlow<T> }[];
  readonly recorder: CallRecorder<T>;
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
}

/** Makes one call, and writes it down. */
export type MakeCall<T extends SystemTypes> = (caller: number, call: T['call']) => Promise<T['answer'] | NoAnswer>;

export const openCaller =
  <T extends SystemTypes>({ process, flows, recorder, nowMs }: CallerOptions<T>): MakeCall<T> =>
  async (caller, call) => {
    const { service, flow } = flows[caller % flows.length] ?? { service: '', flow: undefined };
    if (flow === undefined) throw new TypeError('a run needs a service');
    const invocation = { caller, process, service, call, invoked: { atMs: nowMs() } };
    recorder.invoke(invocation);
    const answer = await answerOf(flow, caller, call);
    recorder.answer(invocation, answer, nowMs());
    return answer;
  };
