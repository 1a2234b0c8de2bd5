import type { Observer } from '../system/flow.ts';
import type { History, Operation } from '../system/history.ts';
import type { SystemTypes } from '../system/system-types.ts';

/** A call under way. */
export interface Invocation<T extends SystemTypes> extends Pick<
  Operation<T>,
  'caller' | 'process' | 'service' | 'call' | 'deadlineMs'
> {
  /** At the gate the instant may still move, until the client's next step. */
  readonly invoked: { readonly atMs: number };
}

/** Writes down calls and answers. */
export interface CallRecorder<T extends SystemTypes> {
  invoke(invocation: Invocation<T>): void;
  answer(invocation: Invocation<T>, answer: Operation<T>['answer'], completedAtMs: number, waited?: Waited): void;
}

/** How a caller waited. */
export type Waited = Pick<Operation<SystemTypes>, 'gaveUpAtMs' | 'heldUpMs'>;

/** Writes down what the flows of one process, or of one schedule, report. */
export class Recorder<T extends SystemTypes> implements Observer<T>, CallRecorder<T> {
  readonly #answered: Operation<T>[] = [];
  readonly #unanswered = new Set<Invocation<T>>();
  readonly #claims: T['claim'][] = [];
  readonly #onCall: () => void;
  #conflicts = 0;
  #lostRaces = 0;

  /** @param onCall a call was made or answered */
  constructor(onCall: () => void = () => undefined) {
    this.#onCall = onCall;
  }

  invoke(invocation: Invocation<T>): void {
    this.#unanswered.add(invocation);
    this.#onCall();
  }

  answer(invocation: Invocation<T>, answer: Operation<T>['answer'], completedAtMs: number, waited: Waited = {}): void {
    this.#unanswered.delete(invocation);
    this.#answered.push(toOperation(invocation, { completedAtMs, ...waited, answer }));
    this.#onCall();
  }

  /** Calls without an answer so far. */
  get underWay(): number {
    return this.#unanswered.size;
  }

  claimed(claim: T['claim']): void {
    this.#claims.push(claim);
  }

  conflicted(): void {
    this.#conflicts++;
  }

  lostRace(): void {
    this.#lostRaces++;
  }

  /** Read it when the run is over: who has no answer then will never have one, for its client is gone. */
  history(unit: History<T>['unit']): History<T> {
    const crashed = [...this.#unanswered].map((invocation) => toOperation(invocation, { answer: { kind: 'crashed' } }));
    return {
      unit,
      operations: [...this.#answered, ...crashed],
      claims: this.#claims,
      conflicts: this.#conflicts,
      lostRaces: this.#lostRaces,
    };
  }
}

const toOperation = <T extends SystemTypes>(
  { invoked, ...call }: Invocation<T>,
  end: Pick<Operation<T>, 'completedAtMs' | 'answer' | keyof Waited>,
): Operation<T> => ({ ...call, invokedAtMs: invoked.atMs, ...end });

/** One history out of those of several processes. */
export const mergeHistories = <T extends SystemTypes>(parts: readonly History<T>[]): History<T> => ({
  unit: 'ms',
  operations: parts.flatMap(({ operations }) => operations),
  claims: parts.flatMap(({ claims }) => claims),
  conflicts: parts.reduce((sum, { conflicts }) => sum + conflicts, 0),
  lostRaces: parts.reduce((sum, { lostRaces }) => sum + lostRaces, 0),
});
