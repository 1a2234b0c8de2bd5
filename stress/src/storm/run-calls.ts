import pLimit from 'p-limit';
import type { Claim, History, Operation } from '../history.ts';
import type { PlannedCall } from '../scenarios/scenario.ts';
import type { Observer, RunningFlow } from '../subjects/subject.ts';

/** Writes down what one process's flows report. */
export class Recorder implements Observer {
  readonly operations: Operation[] = [];
  readonly #claims: Claim[] = [];
  #conflicts = 0;
  #lostRaces = 0;

  claimed(claim: Claim): void {
    this.#claims.push(claim);
  }

  conflicted(): void {
    this.#conflicts++;
  }

  lostRace(): void {
    this.#lostRaces++;
  }

  history(): History {
    return {
      operations: this.operations,
      claims: this.#claims,
      conflicts: this.#conflicts,
      lostRaces: this.#lostRaces,
    };
  }
}

export interface CallsOptions {
  readonly process: number;
  readonly flows: readonly { readonly pool: string; readonly flow: RunningFlow }[];
  readonly calls: readonly PlannedCall[];
  readonly concurrency: number;
  readonly recorder: Recorder;
  /** Milliseconds since the run began. */
  readonly nowMs: () => number;
}

/** Makes all calls of one process, as many at once as allowed; late ones when half of the others have their answer. */
export async function runCalls({ process, flows, calls, concurrency, recorder, nowMs }: CallsOptions): Promise<void> {
  const limit = pLimit(concurrency);
  const early = calls.filter(({ late }) => !late);
  const lateStart = Promise.withResolvers<void>();
  let answered = 0;
  if (early.length === 0) lateStart.resolve();

  const callOnce = async (caller: number, keyId: string): Promise<string | undefined> => {
    const { pool, flow } = flows[caller % flows.length] ?? { pool: '', flow: undefined };
    if (flow === undefined) throw new TypeError('a run needs a pool');
    const invokedAtMs = nowMs();
    const outcome = await flow.rotate(caller, keyId);
    recorder.operations.push({ caller, process, pool, keyId, invokedAtMs, completedAtMs: nowMs(), outcome });
    return 'replacement' in outcome ? outcome.replacement : undefined;
  };
  const callWith = async ({ caller, keyId, follow }: PlannedCall): Promise<void> => {
    let failed: string | undefined = keyId;
    for (let time = 0; time <= follow && failed !== undefined; time++) failed = await callOnce(caller, failed);
    answered++;
    if (answered >= early.length / 2) lateStart.resolve();
  };

  await Promise.all(
    calls.map(async (call) => {
      if (call.late) await lateStart.promise;
      await limit(callWith, call);
    }),
  );
}
