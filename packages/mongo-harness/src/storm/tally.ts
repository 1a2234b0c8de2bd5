import { measureContention, type Contention } from '../history/contention.ts';
import { isServed, outageMsOf, recoveryMsOf } from '../nemesis/recovery.ts';
import { Latencies } from '../report/latencies.ts';
import type { AnswerLatency, FaultFigures, Spread, StormFigures } from '../report/row.ts';
import type { Fault } from '../system/history.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { StormRun } from './run.ts';

interface Kind {
  count: number;
  readonly latencies: Latencies;
}

/** What a fault did, as far as the report says it. */
interface Made {
  readonly fault: Fault;
  readonly recoveryMs: number | undefined;
  readonly outageMs: number;
}

/** Figures of all rounds of a storm. Keeps no round: it takes a few numbers for each fault, and a bounded memory for the calls. */
export class Tally<T extends SystemTypes> {
  readonly #system: System<T>;
  readonly #deadlineMs: number | undefined;
  readonly #beganAtMs = performance.now();
  readonly #kinds = new Map<string, Kind>();
  readonly #columns = new Map<string, number>();
  readonly #made: Made[] = [];
  #contention: Contention = { overlap: 0, contested: 0, conflicts: 0, lostRaces: 0 };
  #statesBetween = 0;
  #calls = 0;
  #longestCallMs = 0;
  #askedAgain = 0;
  #servedAgainMs: number | undefined;
  judged = 0;
  violated = 0;

  /** @param deadlineMs of the flow */
  constructor(system: System<T>, deadlineMs: number | undefined) {
    this.#system = system;
    this.#deadlineMs = deadlineMs;
  }

  /** @param planned calls of the plan; callers with higher numbers asked again */
  add({ run }: StormRun<T>, isViolated: boolean, planned: number): void {
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
    const { recovery } = this.#system;
    for (const fault of faults)
      this.#made.push({
        fault,
        recoveryMs: recoveryMsOf(recovery, fault, operations),
        outageMs: outageMsOf(recovery, fault, operations),
      });
    this.#addAskedAgain(operations.filter(({ caller }) => caller >= planned));
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

  #addAskedAgain(again: StormRun<T>['run']['history']['operations']): void {
    for (const asked of Map.groupBy(again, ({ caller }) => caller).values()) {
      this.#askedAgain++;
      const served = asked.find(({ answer }) => isServed(this.#system.recovery, answer));
      const first = asked[0];
      if (served?.completedAtMs === undefined || first === undefined) continue;
      this.#servedAgainMs = Math.max(this.#servedAgainMs ?? 0, served.completedAtMs - first.invokedAtMs);
    }
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
        faults: [...Map.groupBy(this.#made, ({ fault }) => fault.kind)].map(faultFigures),
        ...(this.#longestCallMs === 0 ? {} : { longestCallMs: this.#longestCallMs }),
        ...(this.#deadlineMs === undefined ? {} : { deadlineMs: this.#deadlineMs }),
        askedAgain: this.#askedAgain,
        ...(this.#servedAgainMs === undefined ? {} : { servedAgainMs: this.#servedAgainMs }),
      },
    };
  }
}

const latencyOf = ({ count, latencies }: Kind): AnswerLatency => {
  const p50Ms = latencies.percentile(0.5);
  return p50Ms === 0 ? { count } : { count, p50Ms, p99Ms: latencies.percentile(0.99) };
};

function faultFigures([kind, made]: readonly [string, readonly Made[]]): FaultFigures {
  const recoveries = made.flatMap(({ recoveryMs }) => recoveryMs ?? []);
  const met = made.map(({ fault }) => fault.met ?? 0);
  return {
    kind,
    made: made.length,
    hit: met.filter((calls) => calls > 0).length,
    met: spread(met).median,
    durationMs: spread(made.map(({ fault: { atMs, endedAtMs = atMs } }) => endedAtMs - atMs)),
    outageMs: spread(made.map(({ outageMs }) => outageMs)),
    ...(recoveries.length === 0 ? {} : { recoveryMs: spread(recoveries) }),
  };
}

/** The lower median. */
function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}
