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
  /** In milliseconds, of the flow where it has one. Default: none, and a call that is never answered is waited for. */
  readonly deadlineMs?: number | undefined;
  /** Of this process. */
  readonly watch: Pick<LoopWatch, 'longestSince'>;
}

/** Makes one call, and writes it down. */
export type MakeCall<T extends SystemTypes> = (caller: number, call: T['call']) => Promise<T['answer'] | NoAnswer>;

/** A call that is not answered so long after its deadline is never answered: without this the storm would not end. */
const MAX_LATE_MS = 30_000;

/** @param deadlineMs of the call. Default: the answer is waited for */
async function orNever<A>(answering: Promise<A>, deadlineMs: number | undefined): Promise<A | NoAnswer> {
  if (deadlineMs === undefined) return await answering;
  const never = Promise.withResolvers<NoAnswer>();
  const message = `no answer within ${MAX_LATE_MS / MS_PER_SECOND} s after the deadline`;
  const timer = setTimeout(
    () => never.resolve({ kind: 'error', code: 'never-answered', message }),
    deadlineMs + MAX_LATE_MS,
  );
  try {
    return await Promise.race([answering, never.promise]);
  } finally {
    clearTimeout(timer);
  }
}

const MS_PER_SECOND = 1_000;

export const openCaller =
  <T extends SystemTypes>({
    process,
    flows,
    recorder,
    nowMs,
    patience,
    deadlineMs: ofFlowMs,
    watch,
  }: CallerOptions<T>): MakeCall<T> =>
  async (caller, call) => {
    const { service, flow } = flows[caller % flows.length] ?? { service: '', flow: undefined };
    if (flow === undefined) throw new TypeError('a run needs a service');
    const waiting = flow.hasPatience?.(call) === false ? undefined : patience?.begin();
    const deadlineMs = waiting?.patience.deadlineMs;
    const own = deadlineMs === undefined ? {} : { deadlineMs };
    const invocation = { caller, process, service, call, ...own, invoked: { atMs: nowMs() } };
    const begunAt = performance.now();
    recorder.invoke(invocation);
    const answer = await orNever(answerOf(flow, caller, call, waiting?.patience), ofFlowMs);
    waiting?.end();
    const gaveUpAtMs = waiting?.gaveUpAtMs();
    const heldUpMs = Math.round(watch.longestSince(begunAt));
    recorder.answer(invocation, answer, nowMs(), {
      ...(gaveUpAtMs === undefined ? {} : { gaveUpAtMs }),
      ...(heldUpMs === 0 ? {} : { heldUpMs }),
    });
    return answer;
  };
