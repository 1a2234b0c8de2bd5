import { randomUUID } from 'node:crypto';
import { Caller, type Standing } from './caller.ts';
import type { RotationOutcome } from './outcomes.ts';
import type { RotationReason } from './pool.ts';
import type { RotationError } from './rotation-error.ts';
import type { Answer, Rotation } from './rotation.ts';

/** How one transaction for a group of rotations ended. */
export type GroupResult =
  /** Committed. A rotation without an answer must be tried again. */
  | { readonly kind: 'committed'; readonly answers: ReadonlyMap<Rotation, Answer> }
  /** Undone, or its commit is in doubt; another try may go through. */
  | { readonly kind: 'retryable'; readonly inDoubt: boolean; readonly error: RotationError }
  /** Undone, and another try of the same would fail in the same way. */
  | { readonly kind: 'failed'; readonly inDoubt: boolean; readonly error: RotationError };

export interface QueueOptions {
  readonly batchSize: number;
  readonly maxTransactions: number;
  readonly maxAttempts: number;
  readonly coalesce: boolean;
  /** Milliseconds to wait after the given attempt failed. */
  readonly backoffMs: (attempt: number) => number;
  /** Runs one transaction for rotations of different keys. Never rejects. */
  readonly runGroup: (tries: readonly Try[]) => Promise<GroupResult>;
  readonly onRetry: (retried: Try, result: GroupResult & { kind: 'retryable' }, delayMs: number) => void;
  readonly onAnswer: (answered: Try, answer: Answer) => void;
  /** A caller of it was told `indeterminate`; called once. */
  readonly onIndeterminate: (left: Try) => void;
}

export interface Wish {
  readonly keyId: string;
  readonly incarnation: string | undefined;
  readonly reason: RotationReason;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/** A rotation on its way, and who waits for it. */
export interface Try {
  readonly rotation: Rotation;
  readonly callers: Caller[];
  /** Transactions begun for it. */
  attempts: number;
  /** A transaction is under way. */
  running: boolean;
  /** A commit got no clear reply, and no later transaction has told how it ended. */
  commitInDoubt: boolean;
  /** A caller was told `indeterminate`. */
  reportedIndeterminate: boolean;
}

/**
 * Brings callers together, as a group commit does. Callers of one key share a rotation that has not begun; the keys that wait
 * when a transaction's place gets free share that transaction. Who comes later waits for the next one, and so never gets an
 * answer that was true only before it asked.
 *
 * A group that fails is split, so that one bad key costs its neighbours a try and not their rotation.
 */
export class RotationQueue {
  readonly #options: QueueOptions;
  /** Rotations that callers can still join, in the order of their first caller. */
  readonly #waiting = new Map<string, Try>();
  /** Groups that were split or must be tried again; they go first. */
  readonly #again: Try[][] = [];
  /** Keys of all rotations that have begun: a second one of the same key waits for the first. */
  readonly #begun = new Set<string>();
  #running = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  enqueue(wish: Wish): Promise<RotationOutcome> {
    const rotationId = randomUUID();
    const lane = this.#options.coalesce ? JSON.stringify([wish.keyId, wish.incarnation]) : rotationId;
    let joined = this.#waiting.get(lane);
    if (joined === undefined) {
      const rotation = { rotationId, keyId: wish.keyId, incarnation: wish.incarnation, reason: wish.reason };
      joined = {
        rotation,
        callers: [],
        attempts: 0,
        running: false,
        commitInDoubt: false,
        reportedIndeterminate: false,
      };
      this.#waiting.set(lane, joined);
      // After the calls of this turn, so that they find each other.
      queueMicrotask(() => this.#pump());
    }
    const { rotation } = joined;
    const entry = joined;
    const standing = (): Standing => ({
      keyId: rotation.keyId,
      rotationId: rotation.rotationId,
      inDoubt: entry.running || entry.commitInDoubt,
    });
    const onIndeterminate = (): void => {
      if (!entry.reportedIndeterminate) this.#options.onIndeterminate(entry);
      entry.reportedIndeterminate = true;
    };
    const caller = new Caller(wish, standing, onIndeterminate);
    joined.callers.push(caller);
    return caller.promise;
  }

  #pump(): void {
    while (!this.#options.coalesce || this.#running < this.#options.maxTransactions) {
      const group = this.#again.shift() ?? this.#takeGroup();
      if (group.length === 0) return;
      this.#running++;
      void this.#run(group).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

  /** Takes waiting rotations of different keys; drops those that nobody waits for any more. */
  #takeGroup(): Try[] {
    const { coalesce, batchSize } = this.#options;
    const group: Try[] = [];
    for (const [lane, entry] of this.#waiting) {
      const { keyId } = entry.rotation;
      if (coalesce && this.#begun.has(keyId)) continue;
      this.#waiting.delete(lane);
      if (!isAwaited(entry)) continue;
      this.#begun.add(keyId);
      group.push(entry);
      if (group.length === (coalesce ? batchSize : 1)) break;
    }
    return group;
  }

  async #run(group: readonly Try[]): Promise<void> {
    const tries = group.filter(isAwaited);
    for (const entry of group) if (!tries.includes(entry)) this.#end(entry);
    if (tries.length === 0) return;
    for (const entry of tries) {
      entry.attempts++;
      entry.running = true;
    }
    const result = await this.#options.runGroup(tries);
    for (const entry of tries) {
      entry.running = false;
      if (result.kind !== 'committed') entry.commitInDoubt ||= result.inDoubt;
    }

    if (result.kind === 'committed') {
      const unanswered = tries.filter(({ rotation }) => !result.answers.has(rotation));
      for (const entry of tries) {
        const answer = result.answers.get(entry.rotation);
        if (answer !== undefined) this.#answer(entry, answer);
      }
      if (unanswered.length > 0) this.#again.push(unanswered);
    } else if (result.kind === 'retryable') {
      this.#tryAgain(tries, result);
    } else if (tries.length > 1) {
      this.#again.push(...halves(tries));
    } else {
      for (const entry of tries) this.#fail(entry, result.error);
    }
  }

  #tryAgain(tries: readonly Try[], result: GroupResult & { kind: 'retryable' }): void {
    const delayMs = this.#options.backoffMs(Math.max(...tries.map(({ attempts }) => attempts)));
    const resumeAt = performance.now() + delayMs;
    const kept: Try[] = [];
    for (const entry of tries) {
      if (!isAwaited(entry)) {
        this.#end(entry);
        continue;
      }
      const deadlineAt = Math.max(...entry.callers.map((caller) => caller.deadlineAt));
      if (entry.attempts >= this.#options.maxAttempts || resumeAt >= deadlineAt) this.#giveUp(entry);
      else {
        this.#options.onRetry(entry, result, delayMs);
        kept.push(entry);
      }
    }
    if (kept.length === 0) return;
    setTimeout(() => {
      this.#again.push(...halves(kept));
      this.#pump();
    }, delayMs);
  }

  /** The first caller that still waits gets `rotated`, the others learn that it was done. */
  #answer(entry: Try, answer: Answer): void {
    const { keyId, rotationId } = entry.rotation;
    this.#options.onAnswer(entry, answer);
    let isFirst = true;
    for (const caller of entry.callers.filter(({ open }) => open)) {
      if (answer.kind !== 'rotated') caller.resolve({ ...answer, keyId });
      else if (isFirst) caller.resolve({ ...answer, keyId, rotationId, attempts: entry.attempts });
      else caller.resolve({ kind: 'already-rotated', keyId, replacement: answer.replacement });
      isFirst = false;
    }
    this.#end(entry);
  }

  #giveUp(entry: Try): void {
    const { keyId, rotationId } = entry.rotation;
    for (const caller of entry.callers)
      caller.resolve(entry.commitInDoubt ? { kind: 'indeterminate', keyId, rotationId } : { kind: 'busy', keyId });
    this.#end(entry);
  }

  #fail(entry: Try, error: RotationError): void {
    for (const caller of entry.callers) caller.reject(error);
    this.#end(entry);
  }

  #end(entry: Try): void {
    this.#begun.delete(entry.rotation.keyId);
  }
}

const isAwaited = ({ callers }: Try): boolean => callers.some(({ open }) => open);

function halves(tries: readonly Try[]): Try[][] {
  const middle = Math.ceil(tries.length / 2);
  return [tries.slice(0, middle), tries.slice(middle)].filter(({ length }) => length > 0);
}
