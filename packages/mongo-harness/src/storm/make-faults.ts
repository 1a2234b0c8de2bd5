import { hold } from '../nemesis/hold.ts';
import type { Nemesis } from '../nemesis/nemesis.ts';
import type { ReadyFault } from '../nemesis/fault-method.ts';
import type { Fault } from '../system/history.ts';
import { kindsOf, STORM_FAULTS, type FaultLane, type FaultStep, type StormFault } from '../system/storm-fault.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { awaitCalls } from './await-calls.ts';
import type { StormClock } from './storm-clock.ts';
import type { Workers } from './workers.ts';

/** What goes wrong in a round. */
export interface PlannedFaults {
  readonly nemesis: Pick<Nemesis, 'next' | 'prepare'>;
  /** So many at most; each with a wave of calls. */
  readonly steps: number;
  /** From the begin of a step to the begin of the next one. */
  readonly everyMs: number;
  /** So long after the begin of the round the last step begins at the latest. */
  readonly maxMs: number;
  /** What the faults of one step draw from, by the step's number: the same for the same seed, whatever other steps draw. */
  readonly randomOf: (step: number) => () => number;
}

/** What went wrong in a round. */
export interface MadeFaults {
  readonly faults: readonly Fault[];
  /** In the order of their begins. */
  readonly steps: readonly { readonly step: FaultStep; readonly atMs: number }[];
}

/** So far ahead workers are told when a wave comes, so that all have heard of it by then. */
const LEAD_MS = 20;
/** A fault begins so long after its wave at the latest, where calls go on so long. */
const MAX_DELAY_MS = 300;
/** The last faults of several are ended early, so that the next round comes soon; an election begins before that. */
const MIN_LAST_MS = 3_000;

/** Makes the faults of a round. The signal ends them early; all is mended then too. */
export async function makeFaults<T extends SystemTypes>(
  planned: PlannedFaults,
  clock: StormClock,
  workers: Workers<T>,
  signal: AbortSignal,
): Promise<MadeFaults> {
  const steps: MadeFaults['steps'][number][] = [];
  const made: Promise<Fault>[] = [];
  const lasting = new Map<FaultLane, Promise<unknown>>();
  const over = new AbortController();
  const ended = AbortSignal.any([signal, over.signal]);
  let dueMs = 0;
  try {
    for (let wave = 0; wave < planned.steps && !ended.aborted; wave++) {
      await hold(Math.max(0, dueMs - clock.nowMs()), ended);
      const isOver = (): boolean => ended.aborted || (wave > 0 && clock.nowMs() >= planned.maxMs);
      const step = await nextStep(planned.nemesis, lasting, isOver);
      if (step === undefined) break;
      const random = planned.randomOf(wave);
      const ready = await Promise.all(
        kindsOf(step).map(async (kind) => ({ kind, fault: await planned.nemesis.prepare(kind, random) })),
      );
      const beginsAtMs = clock.nowMs() + LEAD_MS;
      dueMs = beginsAtMs + planned.everyMs;
      steps.push({ step, atMs: beginsAtMs });
      for (const one of ready) {
        const delayMs = random() * MAX_DELAY_MS;
        const fault = makeFault(one.kind, one.fault, { clock, workers, beginsAtMs, delayMs, signal: ended });
        fault.catch(() => over.abort());
        made.push(fault);
        const { lane } = STORM_FAULTS[one.kind];
        lasting.set(
          lane,
          fault.finally(() => lasting.delete(lane)).catch(() => undefined),
        );
      }
      workers.begin(wave, beginsAtMs);
    }
    if (steps.length > 1) await endSoon(made, dueMs + Math.max(0, MIN_LAST_MS - planned.everyMs) - clock.nowMs(), over);
    return { faults: await Promise.all(made), steps };
  } finally {
    // One that failed ends the others early; each is mended before the round is over.
    over.abort();
    await Promise.allSettled(made);
    workers.mended(clock.nowMs());
  }
}

/** What goes wrong next, when it can. @returns `undefined` where the round is over before that: nothing has lost its turn then */
async function nextStep(
  nemesis: Pick<Nemesis, 'next'>,
  lasting: ReadonlyMap<FaultLane, Promise<unknown>>,
  isOver: () => boolean,
): Promise<FaultStep | undefined> {
  for (;;) {
    if (isOver()) return undefined;
    const step = nemesis.next(new Set(lasting.keys()));
    if (step !== undefined) return step;
    await Promise.race(lasting.values());
  }
}

/** Ends what still lasts after that time. */
async function endSoon(made: readonly Promise<unknown>[], afterMs: number, over: AbortController): Promise<void> {
  const timer = setTimeout(() => over.abort(), Math.max(0, afterMs));
  await Promise.allSettled(made);
  clearTimeout(timer);
}

interface Making<T extends SystemTypes> {
  readonly clock: StormClock;
  readonly workers: Workers<T>;
  /** When the calls of its wave come. */
  readonly beginsAtMs: number;
  readonly delayMs: number;
  readonly signal: AbortSignal;
}

async function makeFault<T extends SystemTypes>(
  kind: StormFault,
  { target, process, meetsBegins = false, run }: ReadyFault,
  { clock, workers, beginsAtMs, delayMs, signal }: Making<T>,
): Promise<Fault> {
  if (!meetsBegins) {
    await hold(Math.max(0, beginsAtMs - clock.nowMs()), signal);
    await awaitCalls(workers, process, delayMs, signal);
  }
  const atMs = clock.nowMs();
  const commands = await run(signal);
  return {
    kind,
    target,
    ...(process === undefined ? {} : { process }),
    ...(typeof commands === 'number' ? { commands } : {}),
    atMs,
    endedAtMs: clock.nowMs(),
  };
}
