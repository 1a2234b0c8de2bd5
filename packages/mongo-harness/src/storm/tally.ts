import { measureContention, type Contention } from '../history/contention.ts';
import { allowedMs } from '../nemesis/in-time.ts';
import { inquiriesOf, isServed, outageMsOf, recoveryMsOf } from '../nemesis/recovery.ts';
import { Latencies } from '../report/latencies.ts';
import type { AnswerLatency, FaultFigures, RoundFigures, Spread, StormFigures } from '../report/row.ts';
import type { Fault, Operation } from '../system/history.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { MAX_UNSERVED_MS } from './probe-unserved.ts';
import type { StormRun } from './run.ts';

interface Kind {
  count: number;
  readonly latencies: Latencies;
}

/** What the faults of one kind did. */
interface Made {
  count: number;
  hit: number;
  readonly met: Latencies;
  readonly underWay: Latencies;
  readonly durationMs: Latencies;
  readonly outageMs: Latencies;
  readonly recoveryMs: Latencies;
}

/** Figures of all rounds of a storm, in a bounded memory, however long it goes on. */
export class Tally<T extends SystemTypes> {
  readonly #system: System<T>;
  readonly #deadlineMs: number | undefined;
  readonly #beganAtMs = performance.now();
  readonly #kinds = new Map<string, Kind>();
  readonly #columns = new Map<string, number>();
  readonly #made = new Map<string, Made>();
  readonly #apartMs = new Latencies();
  #firstStepMs: number | undefined;
  #lastStepMs: number | undefined;
  /** When the last fault was over. */
  #undisturbedFromMs: number | undefined;
  #undisturbedMs = 0;
  #allowanceMs = 0;
  #contention: Contention = { overlap: 0, contested: 0, conflicts: 0, lostRaces: 0 };
  #statesBetween = 0;
  #calls = 0;
  #longestCallMs = 0;
  #askedAgain = 0;
  #inquired = 0;
  #servedAgainMs: number | undefined;
  judged = 0;
  violated = 0;

  /** @param deadlineMs of the flow */
  constructor(system: System<T>, deadlineMs: number | undefined) {
    this.#system = system;
    this.#deadlineMs = deadlineMs;
  }

  /** @param planned calls of the plan; callers with higher numbers came when all was mended */
  add({ run, steps, beganAtMs }: StormRun<T>, isViolated: boolean, planned: number): void {
    this.judged++;
    if (isViolated) this.violated++;
    const { operations, faults = [] } = run.history;
    this.#calls += operations.length;
    this.#statesBetween += run.commits?.length ?? run.between.length;
    for (const { answer, invokedAtMs, completedAtMs } of operations) {
      const kind = this.#kinds.get(answer.kind) ?? { count: 0, latencies: new Latencies() };
      this.#kinds.set(answer.kind, kind);
      kind.count++;
      if (completedAtMs === undefined) continue;
      kind.latencies.add(completedAtMs - invokedAtMs);
      this.#longestCallMs = Math.max(this.#longestCallMs, completedAtMs - invokedAtMs);
    }
    for (const [name, value] of Object.entries(this.#system.show?.columns?.(run) ?? {}))
      this.#columns.set(name, (this.#columns.get(name) ?? 0) + value);
    this.#addContention(measureContention(run.history));
    for (const fault of faults) this.#addFault(fault, operations);
    for (const { atMs } of steps) this.#addStep(beganAtMs + atMs);
    for (const { atMs, endedAtMs = atMs } of faults.toSorted((a, b) => a.atMs - b.atMs))
      this.#addLasting(beganAtMs + atMs, beganAtMs + endedAtMs);
    const met = new Set(faults.map(({ process }) => process));
    for (const operation of operations)
      if (!met.has(operation.process)) this.#allowanceMs = Math.max(this.#allowanceMs, allowedMs(operation));
    this.#addAskedWhenMended(operations, planned);
  }

  #addFault(fault: Fault, operations: readonly Operation<T>[]): void {
    const { kind, atMs, endedAtMs = atMs, met = 0, underWay = 0 } = fault;
    const { recovery } = this.#system;
    const made = this.#made.get(kind) ?? noneMade();
    this.#made.set(kind, made);
    made.count++;
    if (met > 0) made.hit++;
    made.met.add(met);
    made.underWay.add(underWay);
    made.durationMs.add(endedAtMs - atMs);
    made.outageMs.add(outageMsOf(recovery, fault, operations));
    const recoveryMs = recoveryMsOf(recovery, fault, operations);
    if (recoveryMs !== undefined) made.recoveryMs.add(recoveryMs);
  }

  #addStep(atMs: number): void {
    if (this.#lastStepMs !== undefined) this.#apartMs.add(atMs - this.#lastStepMs);
    this.#firstStepMs ??= atMs;
    this.#lastStepMs = atMs;
  }

  #addLasting(fromMs: number, toMs: number): void {
    if (this.#undisturbedFromMs !== undefined)
      this.#undisturbedMs = Math.max(this.#undisturbedMs, fromMs - this.#undisturbedFromMs);
    this.#undisturbedFromMs = Math.max(this.#undisturbedFromMs ?? 0, toMs);
  }

  #addContention({ overlap, contested, conflicts, lostRaces }: Contention): void {
    const sum = this.#contention;
    this.#contention = {
      overlap: Math.max(sum.overlap, overlap),
      contested: sum.contested + contested,
      conflicts: sum.conflicts + conflicts,
      lostRaces: sum.lostRaces + lostRaces,
    };
  }

  #addAskedWhenMended(operations: readonly Operation<T>[], planned: number): void {
    const { recovery } = this.#system;
    const inquiries = new Set(inquiriesOf(recovery, operations).map((call) => JSON.stringify(call)));
    const asked = operations.filter(({ caller }) => caller >= planned);
    for (const byOne of Map.groupBy(asked, ({ caller }) => caller).values()) {
      const [first] = byOne;
      if (inquiries.has(JSON.stringify(first?.call))) {
        this.#inquired++;
        continue;
      }
      this.#askedAgain++;
      const served = byOne.find(({ answer }) => isServed(recovery, answer));
      if (served?.completedAtMs === undefined || first === undefined) continue;
      this.#servedAgainMs = Math.max(this.#servedAgainMs ?? 0, served.completedAtMs - first.invokedAtMs);
    }
  }

  #apart(): Pick<RoundFigures, 'apartMs' | 'undisturbedMs'> {
    const { count } = this.#apartMs;
    if (count === 0 || this.#firstStepMs === undefined || this.#lastStepMs === undefined) return {};
    const mean = (this.#lastStepMs - this.#firstStepMs) / count;
    return { apartMs: { mean, ...spread(this.#apartMs) }, undisturbedMs: this.#undisturbedMs };
  }

  figures(): StormFigures {
    return {
      answers: Object.fromEntries([...this.#kinds].map(([kind, group]) => [kind, latencyOf(group)])),
      contention: this.#contention,
      columns: Object.fromEntries(this.#columns),
      statesBetween: this.#statesBetween,
      durationMs: performance.now() - this.#beganAtMs,
      rounds: {
        judged: this.judged,
        violated: this.violated,
        calls: this.#calls,
        faults: [...this.#made].map(faultFigures),
        ...this.#apart(),
        ...(this.#longestCallMs === 0 ? {} : { longestCallMs: this.#longestCallMs }),
        ...(this.#deadlineMs === undefined ? {} : { deadlineMs: this.#deadlineMs }),
        allowanceMs: this.#allowanceMs,
        askedAgain: this.#askedAgain,
        ...(this.#servedAgainMs === undefined ? {} : { servedAgainMs: this.#servedAgainMs }),
        maxUnservedMs: MAX_UNSERVED_MS,
        inquired: this.#inquired,
      },
    };
  }
}

const latencyOf = ({ count, latencies }: Kind): AnswerLatency => {
  const p50Ms = latencies.percentile(0.5);
  return p50Ms === 0 ? { count } : { count, p50Ms, p99Ms: latencies.percentile(0.99) };
};

const noneMade = (): Made => ({
  count: 0,
  hit: 0,
  met: new Latencies(),
  underWay: new Latencies(),
  durationMs: new Latencies(),
  outageMs: new Latencies(),
  recoveryMs: new Latencies(),
});

const faultFigures = ([kind, made]: readonly [string, Made]): FaultFigures => ({
  kind,
  made: made.count,
  hit: made.hit,
  met: Math.round(made.met.percentile(0.5)),
  underWay: Math.round(made.underWay.percentile(0.5)),
  durationMs: spread(made.durationMs),
  outageMs: spread(made.outageMs),
  ...(made.recoveryMs.count === 0 ? {} : { recoveryMs: spread(made.recoveryMs) }),
});

const spread = (durations: Latencies): Spread => ({ median: durations.percentile(0.5), max: durations.max });
