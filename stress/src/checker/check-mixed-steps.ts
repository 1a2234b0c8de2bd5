import type { BackupState, BindingState, KeyState } from '../model/pool-state.ts';
import {
  isOtherLife,
  proxyOf,
  isSuccessor,
  subjectOf,
  succeed,
  successorOf,
  type Changed,
  type Life,
  type PoolBook,
  type PoolChanges,
} from './check-mixed-book.ts';
import type { InvariantName, RotationViolation } from './invariants.ts';

/** What a commit did: a step of the sequential pool. */
export type Step = { readonly commit: number } & (
  | { readonly kind: 'rotation'; readonly ended: Life; readonly began: Life }
  | { readonly kind: 'key-added' | 'key-deleted' | 'key-marked'; readonly keyId: string }
  | { readonly kind: 'backup-added' | 'backup-freed'; readonly backupId: string }
  | { readonly kind: 'backup-deleted'; readonly backupId: string; readonly isUsed: boolean }
  | { readonly kind: 'binding-added'; readonly proxyId: string; readonly keyId: string }
  /** `until`: one of the keys was put back by then; the step read an earlier state. */
  | { readonly kind: 'bindings-moved'; readonly count: number; readonly until?: number }
);

/** What calls tell of a run, as far as a commit can't be judged without. */
export interface KnownCalls {
  /** Proxies whose bindings operators inserted plainly. A rotation at that moment may miss them. */
  readonly inserted: ReadonlySet<string>;
  /** As in `caller 7`, by the id of a rotation. */
  readonly callerOf: (rotationId: string) => string;
}

interface Explained {
  readonly steps: readonly Step[];
  readonly violations: readonly RotationViolation[];
}

/**
 * Explains a commit as one whole step of the sequential pool: rotations of different keys, or a binding that is added, bindings that are moved to
 * the successors of their keys, a backup that is freed, or one write of an operator's. What is left over, or is missing, is a violation.
 * The book goes on to the state after the commit. Linear in the documents of the commit.
 */
export function explainCommit(commit: PoolChanges, book: PoolBook, known: KnownCalls): Explained {
  const claims = commit.backups.flatMap(({ before, after }) =>
    before?.isUsed === false && after?.isUsed === true ? [after] : [],
  );
  const asked = claims.map((backup): Claimed => {
    const keyId = backup.usedFor ?? '';
    return { backup, keyId, ended: book.lifeOf(keyId), bound: book.boundTo(keyId) };
  });
  const from = new Map(
    commit.bindings.flatMap(({ before }) =>
      before === undefined ? [] : [[before, book.lifeOf(before.keyId)] as const],
    ),
  );
  book.apply(commit);

  const explanation = new Explanation(book, known);
  for (const claim of asked) explanation.rotation(claim, commit);
  for (const change of commit.backups) explanation.backup(change, commit);
  for (const change of commit.keys) explanation.key(change, commit);
  explanation.bindings(commit.bindings, (binding) => from.get(binding));
  explanation.noFreeKey(commit);
  return explanation.end();
}

/** A claim, with what the state before the commit had. */
interface Claimed {
  readonly backup: BackupState;
  readonly keyId: string;
  readonly ended: Life | undefined;
  readonly bound: readonly string[];
}

class Explanation {
  readonly #book: PoolBook;
  readonly #known: KnownCalls;
  readonly #steps: Step[] = [];
  readonly #violations: RotationViolation[] = [];
  /** Ids of keys whose change a step explains. */
  readonly #explained = new Set<string>();
  readonly #movedTo = new Map<string, string>();

  constructor(book: PoolBook, known: KnownCalls) {
    this.#book = book;
    this.#known = known;
  }

  /** With a claim the key is retired, the backup made a live key, and all bindings moved. */
  rotation({ backup, keyId, ended, bound }: Claimed, { keys, archived }: PoolChanges): void {
    const began = this.#book.lifeOf(backup.id);
    const key = keys.find(({ after }) => after?.id === backup.id)?.after;
    const by = began?.from === this.#book.state ? this.#known.callerOf(began.value) : 'somebody';
    const claimed = `${by} claimed ${backup.id} for ${keyId}`;
    this.#explained.add(keyId).add(backup.id);
    if (backup.isSetAside === true) this.#broken('I1', `${claimed}, and it was set aside`);
    if (ended === undefined) return this.#broken('I1', `${claimed}, which was no live key`);
    if (ended.to === Infinity) return this.#broken('I2', `${claimed}, which is live as before`);
    const other = successorOf(ended);
    if (other !== undefined) return this.#broken('I1', `${claimed}, for which ${other.keyId} was claimed too`);
    if (began?.from !== this.#book.state || key === undefined)
      return this.#broken('I2', `${claimed} and did not make it a live key`);
    succeed(ended, began);
    if (key.apiKey !== backup.apiKey) this.#broken('I3', `${claimed} and made it a key with another apiKey`);
    if (this.#book.hasArchive && !archived.includes(keyId))
      this.#broken('I3', `${claimed}, and the archive got no copy of ${keyId}`);
    this.#movedTo.set(keyId, backup.id);
    for (const rest of bound) {
      const now = this.#book.keyOf(rest);
      if (now === backup.id || (now === keyId && this.#known.inserted.has(proxyOf(rest)))) continue;
      this.#broken(
        'I3',
        `${claimed}, and the binding of proxy ${proxyOf(rest)} ${now === undefined ? 'is gone' : `is on ${now}`}`,
      );
    }
    this.#step({ kind: 'rotation', ended, began });
  }

  backup({ before, after }: Changed<BackupState>, { keys }: PoolChanges): void {
    if (before === undefined) {
      if (after?.isUsed === false) this.#step({ kind: 'backup-added', backupId: after.id });
      else this.#broken('I2', `added the backup ${after?.id}, which is used and never was free`);
    } else if (after === undefined) {
      const isPutBack = before.isUsed && keys.some((change) => change.after?.id === before.id && isOtherLife(change));
      if (!isPutBack) this.#step({ kind: 'backup-deleted', backupId: before.id, isUsed: before.isUsed });
    } else if (before.isUsed && !after.isUsed) {
      if ((after.usedFor ?? '') !== '')
        this.#broken('I1', `freed ${after.id}, which keeps the mark that it was used for ${after.usedFor}`);
      this.#step({ kind: 'backup-freed', backupId: after.id });
    } else if (before.isUsed === after.isUsed && before.content !== after.content) {
      const what = after.isUsed
        ? `${after.id}, which was used for ${before.usedFor}, and is used for ${after.usedFor}`
        : `the free backup ${after.id}`;
      this.#broken('I1', `changed ${what}`);
    }
  }

  /** What no rotation explains: operators add and delete keys, and `handleFailure` marks them. */
  key(change: Changed<KeyState>, { keys, backups, bindings }: PoolChanges): void {
    const { id, live } = subjectOf(change);
    if (this.#explained.has(id)) return;
    const { before, after } = change;
    const isAlone = keys.length + backups.length + bindings.length === 1;
    if (!isOtherLife(change)) {
      if (before?.content === after?.content) return;
      if (live && isAlone) this.#step({ kind: 'key-marked', keyId: id });
      else this.#broken('I3', `changed the ${live ? '' : 'kept '}key ${id}`);
    } else if (after?.live !== true) {
      if (isAlone && after === undefined) this.#step({ kind: 'key-deleted', keyId: id });
      else this.#broken('I1', `retired ${id}, and claimed no backup for it`);
    } else if (before?.live === true)
      this.#broken('I3', `put another incarnation of ${id} in the place of one that was live`);
    else this.#step({ kind: 'key-added', keyId: id });
  }

  bindings(changes: readonly Changed<BindingState>[], fromLife: (binding: BindingState) => Life | undefined): void {
    let repaired = 0;
    let until = Infinity;
    for (const { before, after } of changes) {
      const proxy = `proxy ${proxyOf(subjectOf({ before, after } as Changed<BindingState>).rest)}`;
      if (after === undefined) this.#broken('I3', `deleted the binding of ${proxy}`);
      else if (before === undefined) this.#added(after);
      else if (before.rest !== after.rest) this.#broken('I3', `changed the binding of ${proxy}`);
      else if (before.keyId !== after.keyId && this.#movedTo.get(before.keyId) !== after.keyId) {
        const moved = `moved the binding of ${proxy} from ${before.keyId} to ${after.keyId}`;
        const since = fromLife(before)?.from ?? Infinity;
        repaired++;
        until = Math.min(until, since);
        if (this.#boundSince(before) >= since) this.#broken('I3', `${moved}, and ${before.keyId} was live`);
        else if (!this.#isSuccessor(after.keyId, before.keyId))
          this.#broken('I3', `${moved}, which is no live key that took its place`);
      }
    }
    if (repaired > 0) this.#step({ kind: 'bindings-moved', count: repaired, ...(until === Infinity ? {} : { until }) });
  }

  #added({ rest, keyId }: BindingState): void {
    const proxyId = proxyOf(rest);
    if (this.#book.lifeOf(keyId) === undefined && !this.#known.inserted.has(proxyId))
      this.#broken('I3', `bound proxy ${proxyId} to ${keyId}, which was no live key`);
    this.#step({ kind: 'binding-added', proxyId, keyId });
  }

  /** The state in which the binding was put on the key from which this commit took it. */
  #boundSince({ rest, keyId }: BindingState): number {
    return (
      this.#book.bindings.get(rest)?.findLast(({ value, to }) => value === keyId && to === this.#book.state)?.from ?? 0
    );
  }

  #isSuccessor(keyId: string, of: string): boolean {
    const life = this.#book.lifeOf(keyId);
    return life !== undefined && (this.#book.lives.get(of) ?? []).some((ended) => isSuccessor(life, ended));
  }

  /** A free backup that is a live key could be claimed although it serves. */
  noFreeKey({ keys, backups }: PoolChanges): void {
    for (const id of new Set([...keys, ...backups].map((change) => subjectOf<{ readonly id: string }>(change).id)))
      if (this.#book.useOf(id) === 'free' && this.#book.lifeOf(id) !== undefined)
        this.#broken('I1', `left ${id} a live key and a free backup`);
  }

  end(): Explained {
    const kinds = new Set(this.#steps.map(({ kind }) => kind));
    const isOne = this.#steps.length <= 1 || (kinds.size === 1 && kinds.has('rotation'));
    if (!isOne) this.#broken('I7', `is no single step of the pool, but several: ${[...kinds].join(' and ')}`);
    return { steps: this.#steps, violations: this.#violations };
  }

  #step(step: WithoutCommit<Step>): void {
    this.#steps.push({ ...step, commit: this.#book.state });
  }

  #broken(invariant: InvariantName, sentence: string): void {
    this.#violations.push({ invariant, sentence: `commit ${this.#book.state}: ${sentence}` });
  }
}

type WithoutCommit<T> = T extends unknown ? Omit<T, 'commit'> : never;
