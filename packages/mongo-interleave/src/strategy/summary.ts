import { clientLetter } from '../gate/client-letter.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { Condition } from '../run/condition.ts';
import { namedError } from '../run/error-lines.ts';
import type { Execution } from '../run/execution.ts';
import type { RunResult } from '../run/result.ts';

/** How often a client's flow ended so, over all classes. */
export interface Ends {
  readonly returned: number;
  readonly threw: number;
  /** The run was over before the flow ended. */
  readonly hanging: number;
}

/** A {@link Summary} as plain data. */
export interface SummaryState {
  readonly ends: readonly Ends[];
  readonly conditions: readonly Condition[];
  readonly unfinished: { readonly 'step-limit': number; readonly unknown: number };
}

const NO_END: Ends = { returned: 0, threw: 0, hanging: 0 };

/** What all runs of an exploration together say: how the clients ended, and what the runs took for granted. */
export class Summary<T> {
  readonly #ends: Ends[] = [];
  readonly #conditions = new Map<string, Condition>();
  readonly #unfinished = { 'step-limit': 0, unknown: 0 };
  /** The first error that a flow threw. */
  #firstError: { readonly client: number; readonly error: unknown } | undefined;

  constructor(state?: SummaryState) {
    if (state === undefined) return;
    this.#ends.push(...state.ends);
    this.#assume(state.conditions);
    Object.assign(this.#unfinished, state.unfinished);
  }

  get state(): SummaryState {
    return { ends: [...this.#ends], conditions: [...this.#conditions.values()], unfinished: { ...this.#unfinished } };
  }

  /** That of a search that starts again. What runs took for granted stays. */
  restarted(): Summary<T> {
    return new Summary({
      ends: [],
      // Each run says anew what it awaits.
      conditions: [...this.#conditions.values()].filter(({ kind }) => kind !== 'awaits'),
      unfinished: { 'step-limit': 0, unknown: 0 },
    });
  }

  /** By client. */
  get ends(): readonly Ends[] {
    return this.#ends;
  }

  /** What `complete` does not cover. */
  get conditions(): readonly Condition[] {
    const unfinished = (['step-limit', 'unknown'] as const).filter((kind) => this.#unfinished[kind] > 0);
    return [...this.#conditions.values(), ...unfinished.map((kind) => ({ kind, runs: this.#unfinished[kind] }))];
  }

  /** Is there no run below which something was left out? */
  get isWhole(): boolean {
    return this.#unfinished['step-limit'] === 0 && this.#unfinished.unknown === 0;
  }

  add({ conditions, isCutOff }: Execution<T>, { outcomes, verdict }: RunResult<T>): void {
    this.#assume(conditions);
    if (isCutOff) this.#unfinished['step-limit']++;
    else if (verdict.kind === 'unknown') this.#unfinished.unknown++;
    for (const [client, outcome] of outcomes.entries()) {
      const ends = (this.#ends[client] ??= NO_END);
      if (outcome.kind === 'absent') continue;
      if (outcome.kind === 'threw') this.#firstError ??= { client, error: outcome.error };
      this.#ends[client] = { ...ends, [outcome.kind]: ends[outcome.kind] + 1 };
    }
  }

  /** @throws InterleaveError `all-threw` if some client threw and none ever returned */
  expectReturned(): void {
    const first = this.#firstError;
    if (first === undefined || this.#ends.some(({ returned }) => returned > 0)) return;
    const { client, error } = first;
    throw new InterleaveError(
      'all-threw',
      `No client ever returned, so nothing was tested. First, ${clientLetter(client)} threw ${namedError(error)}. If that is meant, set mayAllThrow.`,
      { cause: error },
    );
  }

  #assume(conditions: readonly Condition[]): void {
    for (const condition of conditions) this.#conditions.set(JSON.stringify(condition), condition);
  }
}
