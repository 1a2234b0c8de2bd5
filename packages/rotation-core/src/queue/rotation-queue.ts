import { randomUUID } from 'node:crypto';
import { RotationError } from '../errors.ts';
import type { RotationOutcome } from '../outcomes.ts';
import type { RotationReason } from '../failures.ts';
import type { Answer, Rotation } from '../rotation.ts';
import { Caller, type CallerStatus } from './caller.ts';
import { allAnswered, halves, isAwaited, type PendingRotation } from './pending-rotation.ts';

/** An attempt that failed, and after which another one may succeed. */
export interface Retryable {
  readonly kind: 'retryable';
  readonly inDoubt: boolean;
  readonly error: RotationError;
}

/** How one transaction for a group of rotations ended. `inDoubt`: its commit got no clear reply. */
export type GroupResult =
  /** The transaction was committed. A rotation without an answer must be tried again. */
  | { readonly kind: 'committed'; readonly answers: ReadonlyMap<Rotation, Answer> }
  /** The transaction was undone or its commit is in doubt, and another attempt may succeed. */
  | Retryable
  /** The same attempt again would fail in the same way. */
  | { readonly kind: 'failed'; readonly inDoubt: boolean; readonly error: RotationError };

/** The bounds of the queue, and its ties to the database. The queue itself knows no database. */
export interface QueueOptions {
  /** At most this many rotations share a transaction. */
  readonly maxBatchSize: number;
  /** At most this many transactions are open at once. */
  readonly maxTransactions: number;
  /** At most this many transactions are run for one rotation. */
  readonly maxAttempts: number;
  /** False: each caller has a transaction of its own, and `maxTransactions` does not count. */
  readonly coalesce: boolean;
  /** Milliseconds from a failed attempt, counted from 1, to the next. */
  readonly backoffMs: (attempt: number) => number;
  /**
   * What a group has to wait for before its transaction; undefined: nothing. Meanwhile other groups have its place. The promise never rejects: with a
   * result, the attempt is over.
   */
  readonly prepare: (group: readonly PendingRotation[]) => Promise<Retryable | undefined> | undefined;
  /**
   * Runs one transaction for rotations of different keys. Never rejects.
   *
   * @param goOn to be called before anything is written. If it returns false, callers were told that nothing was changed: the transaction must be
   * undone, as `retryable`.
   */
  readonly runGroup: (group: readonly PendingRotation[], goOn: () => boolean) => Promise<GroupResult>;
  /** The rotation will be tried again after `delayMs` milliseconds. */
  readonly onRetry: (retried: PendingRotation, result: Retryable, delayMs: number) => void;
  /** The rotation has its answer; called once for all its callers, before them. */
  readonly onAnswer: (answered: PendingRotation, answer: Answer) => void;
  /** A caller was answered `indeterminate`; called once for each rotation. */
  readonly onIndeterminate: (left: PendingRotation) => void;
  /** A caller was answered `busy`; called once for each rotation. */
  readonly onBusy: (left: PendingRotation) => void;
}

/** One call of `rotate`, with its arguments checked. */
export interface RotationRequest {
  readonly keyId: string;
  readonly incarnation: string | undefined;
  readonly reason: RotationReason;
  readonly deadlineMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Brings callers together, as a group commit does. Callers of one key share a rotation, and waiting rotations of different keys
 * share a transaction. A caller joins only a rotation that has not begun:
 *
 *   transaction: reads k1 and the free backups: none ........ commits: no-backup
 *   operator:    .......................... adds a backup
 *   caller:      ............................ rotate(k1)
 *
 * Had the caller joined, its answer would have been true only before it called. It waits for the next transaction instead.
 *
 * A group that fails is split in halves until the rotation that fails is alone: it costs the others some attempts, and not
 * their rotation.
 */
export class RotationQueue {
  readonly #options: QueueOptions;
  /** Rotations that have not begun, which callers can join; in the order of their first caller. */
  readonly #waiting = new Map<string, PendingRotation>();
  /** Groups that are to be tried again; they go before the waiting rotations. */
  readonly #retrying: PendingRotation[][] = [];
  /**
   * The rotations that have begun, by the ids of their keys. A second rotation of the same key waits for the end of the first, or until nobody waits
   * for that: a server that has stopped answering would block the key.
   */
  readonly #inFlight = new Map<string, PendingRotation>();
  #running = 0;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  enqueue(request: RotationRequest): Promise<RotationOutcome> {
    const pending = this.#join(request);
    const status = (): CallerStatus => ({
      keyId: pending.rotation.keyId,
      rotationId: pending.rotation.rotationId,
      inDoubt: pending.transaction === 'writing' || pending.commitInDoubt,
    });
    const caller = new Caller(request, status, (kind) => {
      if (kind === 'busy') this.#reportBusy(pending);
      else this.#reportIndeterminate(pending);
    });
    pending.callers.push(caller);
    return caller.promise;
  }

  #reportIndeterminate(pending: PendingRotation): void {
    if (!pending.reportedIndeterminate) this.#options.onIndeterminate(pending);
    pending.reportedIndeterminate = true;
  }

  #reportBusy(pending: PendingRotation): void {
    if (!pending.reportedBusy) this.#options.onBusy(pending);
    pending.reportedBusy = true;
  }

  /** Finds the waiting rotation that this request can share, or adds a new rotation. */
  #join({ keyId, incarnation, reason }: RotationRequest): PendingRotation {
    const rotationId = randomUUID();
    const slot = this.#options.coalesce ? JSON.stringify([keyId, incarnation]) : rotationId;
    const waiting = this.#waiting.get(slot);
    if (waiting !== undefined) return waiting;
    const pending: PendingRotation = {
      rotation: { rotationId, keyId, incarnation, reason },
      callers: [],
      attempts: 0,
      transaction: 'idle',
      commitInDoubt: false,
      reportedIndeterminate: false,
      reportedBusy: false,
    };
    this.#waiting.set(slot, pending);
    // A microtask later, so that all calls of this turn of the event loop can join.
    queueMicrotask(() => this.#pump());
    return pending;
  }

  #pump(): void {
    while (!this.#options.coalesce || this.#running < this.#options.maxTransactions) {
      const group = this.#retrying.shift() ?? this.#takeGroup();
      if (group.length === 0) return;
      void this.#hold(group);
    }
  }

  /** Runs a group in a place of its own. The place is free again when the run has ended, or when nobody waits for it any more. */
  async #hold(group: readonly PendingRotation[]): Promise<void> {
    this.#running++;
    const run = this.#run(group).catch((error: unknown) => this.#failAll(group, error));
    await Promise.race([run, allAnswered(group)]);
    for (const pending of group) if (!isAwaited(pending)) this.#end(pending);
    this.#running--;
    this.#pump();
  }

  /** Takes waiting rotations of different keys, and drops rotations that no caller waits for any more. */
  #takeGroup(): PendingRotation[] {
    const { coalesce, maxBatchSize } = this.#options;
    const group: PendingRotation[] = [];
    for (const [slot, pending] of this.#waiting) {
      const { keyId } = pending.rotation;
      if (coalesce && this.#inFlight.has(keyId)) continue;
      this.#waiting.delete(slot);
      if (!isAwaited(pending)) continue;
      this.#inFlight.set(keyId, pending);
      group.push(pending);
      if (group.length === (coalesce ? maxBatchSize : 1)) break;
    }
    return group;
  }

  async #run(taken: readonly PendingRotation[]): Promise<void> {
    const group = taken.filter(isAwaited);
    for (const pending of taken) if (!group.includes(pending)) this.#end(pending);
    if (group.length === 0) return;
    const prepared = this.#options.prepare(group);
    if (prepared !== undefined) {
      void this.#wait(group, prepared).catch((error: unknown) => this.#failAll(group, error));
      return;
    }
    for (const pending of group) {
      pending.attempts++;
      pending.transaction = 'sent';
    }
    const goOn = (): boolean => {
      const isWanted = group.every(isAwaited);
      if (isWanted) for (const pending of group) pending.transaction = 'writing';
      return isWanted;
    };
    const result = await this.#options.runGroup(group, goOn);
    for (const pending of group) {
      pending.transaction = 'idle';
      if (result.kind !== 'committed') pending.commitInDoubt ||= result.inDoubt;
    }

    if (result.kind === 'committed') {
      const unanswered = group.filter(({ rotation }) => !result.answers.has(rotation));
      for (const pending of group) {
        const answer = result.answers.get(pending.rotation);
        if (answer !== undefined) this.#answer(pending, answer);
      }
      if (unanswered.length > 0) this.#retrying.push(unanswered);
    } else if (result.kind === 'retryable') {
      this.#retry(group, result);
    } else if (group.length > 1) {
      this.#retrying.push(...halves(group));
    } else {
      for (const pending of group) this.#fail(pending, result.error);
    }
  }

  /** Holds no place while a group waits for what its transaction needs. */
  async #wait(group: readonly PendingRotation[], prepared: Promise<Retryable | undefined>): Promise<void> {
    const result = await Promise.race([prepared, allAnswered(group)]);
    const left = group.filter(isAwaited);
    for (const pending of group) if (!left.includes(pending)) this.#end(pending);
    if (result !== undefined) {
      for (const pending of left) pending.attempts++;
      this.#retry(left, result);
    } else if (left.length > 0) this.#retrying.push(left);
    this.#pump();
  }

  #retry(group: readonly PendingRotation[], result: Retryable): void {
    const delayMs = this.#options.backoffMs(maxOf(group.map(({ attempts }) => attempts)));
    const resumeAt = performance.now() + delayMs;
    const kept: PendingRotation[] = [];
    for (const pending of group) {
      if (!isAwaited(pending)) {
        this.#end(pending);
        continue;
      }
      const deadlineAt = maxOf(pending.callers.map((caller) => caller.deadlineAt));
      if (pending.attempts >= this.#options.maxAttempts || resumeAt >= deadlineAt) this.#giveUp(pending);
      else {
        this.#options.onRetry(pending, result, delayMs);
        kept.push(pending);
      }
    }
    if (kept.length === 0) return;
    setTimeout(() => {
      this.#retrying.push(...halves(kept));
      this.#pump();
    }, delayMs);
  }

  /** The first caller that still waits gets `rotated`, the others get `already-rotated`. */
  #answer(pending: PendingRotation, answer: Answer): void {
    const { keyId, rotationId } = pending.rotation;
    this.#options.onAnswer(pending, answer);
    let isFirst = true;
    for (const caller of pending.callers.filter(({ open }) => open)) {
      if (answer.kind !== 'rotated') caller.resolve({ ...answer, keyId });
      else if (isFirst) caller.resolve({ ...answer, keyId, rotationId, attempts: pending.attempts });
      else caller.resolve({ kind: 'already-rotated', keyId, replacement: answer.replacement });
      isFirst = false;
    }
    this.#end(pending);
  }

  #giveUp(pending: PendingRotation): void {
    for (const caller of pending.callers) caller.giveUp();
    this.#end(pending);
  }

  #fail(pending: PendingRotation, error: RotationError): void {
    for (const caller of pending.callers) caller.reject(error);
    this.#end(pending);
  }

  /** What is thrown within the queue, as by a hook, is a defect, but one that leaves no caller and no key behind. */
  #failAll(group: readonly PendingRotation[], error: unknown): void {
    const message = `A rotation ended in an error of this package: ${String(error)}`;
    for (const pending of group) this.#fail(pending, new RotationError('database', message, { cause: error }));
  }

  #end(pending: PendingRotation): void {
    const { keyId } = pending.rotation;
    if (this.#inFlight.get(keyId) === pending) this.#inFlight.delete(keyId);
  }
}

/** `Math.max` takes its arguments on the stack, and there may be 100,000 callers. */
const maxOf = (numbers: readonly number[]): number => numbers.reduce((max, each) => Math.max(max, each), -Infinity);
