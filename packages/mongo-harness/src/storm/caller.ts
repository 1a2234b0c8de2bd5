import { answerOf } from '../history/answer-of.ts';
import type { CallRecorder } from '../history/recorder.ts';
import type { OpenFlow } from '../system/flow.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';
import type { CallersPatience } from './callers-patience.ts';
import type { LoopWatch } from './loop-watch.ts';

export interface CallerOptions<T extends SystemTypes> {
  readonly process: number;
  /** One for each service, which the callers come through in turn. */
  readonly flows: readonly { readonly service: string; readonly flow: OpenFlow<T> }[];
  readonly recorder: CallRecorder<T>;
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
  /** Of the callers, where the flow takes it. Default: the flow's deadline is theirs, and nobody gives up. */
  readonly patience?: CallersPatience | undefined;
  /** Of this process. */
  readonly watch: Pick<LoopWatch, 'longestSince'>;
}

/** Makes one call, and writes it down. */
export type MakeCall<T extends SystemTypes> = (caller: number, call: T['call']) => Promise<T['answer'] | NoAnswer>;

export const openCaller =
  <T extends SystemTypes>({ process, flows, recorder, nowMs, patience, watch }: CallerOptions<T>): MakeCall<T> =>
  async (caller, call) => {
    const { service, flow } = flows[caller % flows.length] ?? { service: '', flow: undefined };
    if (flow === undefined) throw new TypeError('a run needs a service');
    const waiting = flow.hasPatience?.(call) === false ? undefined : patience?.begin();
    const deadlineMs = waiting?.patience.deadlineMs;
    const own = deadlineMs === undefined ? {} : { deadlineMs };
    const invocation = { caller, process, service, call, ...own, invoked: { atMs: nowMs() } };
    const begunAt = performance.now();
    recorder.invoke(invocation);
    const answer = await answerOf(flow, caller, call, waiting?.patience);
    waiting?.end();
    const gaveUpAtMs = waiting?.gaveUpAtMs();
    const heldUpMs = Math.round(watch.longestSince(begunAt));
    recorder.answer(invocation, answer, nowMs(), {
      ...(gaveUpAtMs === undefined ? {} : { gaveUpAtMs }),
      ...(heldUpMs === 0 ? {} : { heldUpMs }),
    });
    return answer;
  };
