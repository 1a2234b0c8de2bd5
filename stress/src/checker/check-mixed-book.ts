import type { BackupState, BindingState, KeyState, PoolState } from '../model/pool-state.ts';
import type { PoolWrite } from '../model/pool-write.ts';

/** What a commit made of one document; a part is absent where there was none, or is none any more. */
export interface Changed<T> {
  readonly before?: T;
  readonly after?: T;
}

/** What a commit made of the documents of a pool. */
export interface PoolChanges {
  readonly keys: readonly Changed<KeyState>[];
  readonly backups: readonly Changed<BackupState>[];
  readonly bindings: readonly Changed<BindingState>[];
  /** Ids of keys that were copied to the archive. */
  readonly archived: readonly string[];
}

export const toPoolChanges = (writes: readonly PoolWrite[]): PoolChanges => ({
  keys: writes.filter((write) => write.of === 'key'),
  backups: writes.filter((write) => write.of === 'backup'),
  bindings: writes.filter((write) => write.of === 'binding'),
  archived: writes.flatMap((write) => (write.of === 'archive' ? [write.keyId] : [])),
});

/** Something that was so in the states from `from` up to, but not including `to`. State n is the one after n commits. */
export interface Stay<T> {
  readonly value: T;
  readonly from: number;
  to: number;
}

/** An incarnation of a key while it was live; the value names it. */
export interface Life extends Stay<string> {
  readonly keyId: string;
  /** Lives of which rotations put each in the place of the one before: they have no gap between them. This one is among them. */
  chain: Life[];
  /** In the chain. */
  place: number;
}

export type BackupUse = 'free' | 'used';

/** The states that a pool went through, document by document. */
export class PoolBook {
  /** Of each key id, one after the other. */
  readonly lives: Map<string, Life[]> = new Map();
  readonly backups: Map<string, Stay<BackupUse>[]> = new Map();
  /** Of each binding, by all of its fields but the key's id: the key that it pointed to. */
  readonly bindings: Map<string, Stay<string>[]> = new Map();
  readonly withoutStock: Stay<true>[] = [];
  readonly hasArchive: boolean;
  /** The last state. */
  state = 0;
  readonly #boundTo = new Map<string, Set<string>>();
  #free = 0;

  constructor(start: PoolState) {
    this.hasArchive = start.archived !== undefined;
    for (const key of start.keys.values()) if (key.live) this.#begin(key);
    for (const backup of start.backups.values()) this.#setBackup(backup.id, backup);
    for (const { rest, keyId } of start.bindings) this.#setBinding(rest, keyId);
    this.#noteStock();
  }

  /** Goes on to the state after the commit. */
  apply({ keys, backups, bindings }: PoolChanges): void {
    this.state++;
    const changedLives = keys.filter(isOtherLife);
    for (const { before } of changedLives) if (before?.live === true) end(this.lives.get(before.id), this.state);
    for (const { after } of changedLives) if (after?.live === true) this.#begin(after);
    for (const change of backups) this.#setBackup(subjectOf(change).id, change.after);
    for (const change of bindings) if (change.before !== undefined) this.#setBinding(change.before.rest, undefined);
    for (const change of bindings)
      if (change.after !== undefined) this.#setBinding(change.after.rest, change.after.keyId);
    this.#noteStock();
  }

  lifeOf(keyId: string): Life | undefined {
    return now(this.lives.get(keyId));
  }

  useOf(backupId: string): BackupUse | undefined {
    return now(this.backups.get(backupId))?.value;
  }

  keyOf(rest: string): string | undefined {
    return now(this.bindings.get(rest))?.value;
  }

  /** The bindings that point to a key. */
  boundTo(keyId: string): readonly string[] {
    return [...(this.#boundTo.get(keyId) ?? [])];
  }

  #begin({ id, incarnation = 'unknown' }: KeyState): void {
    const life: Life = { keyId: id, value: incarnation, from: this.state, to: Infinity, chain: [], place: 0 };
    life.chain.push(life);
    append(this.lives, id, life);
  }

  #setBackup(id: string, backup: BackupState | undefined): void {
    const stays = this.backups.get(id);
    const use = backup === undefined ? undefined : backup.isUsed ? 'used' : 'free';
    if (now(stays)?.value === use) return;
    if (now(stays)?.value === 'free') this.#free--;
    if (use === 'free') this.#free++;
    end(stays, this.state);
    if (use !== undefined) append(this.backups, id, { value: use, from: this.state, to: Infinity });
  }

  #setBinding(rest: string, keyId: string | undefined): void {
    const stays = this.bindings.get(rest);
    const before = now(stays);
    if (before !== undefined) this.#boundTo.get(before.value)?.delete(rest);
    if (keyId !== undefined) {
      const bound = this.#boundTo.get(keyId) ?? new Set();
      this.#boundTo.set(keyId, bound.add(rest));
    }
    if (before?.value === keyId) return;
    end(stays, this.state);
    if (keyId !== undefined) append(this.bindings, rest, { value: keyId, from: this.state, to: Infinity });
  }

  #noteStock(): void {
    const isEmpty = now(this.withoutStock) !== undefined;
    if (this.#free === 0 && !isEmpty) this.withoutStock.push({ value: true, from: this.state, to: Infinity });
    if (this.#free > 0 && isEmpty) end(this.withoutStock, this.state);
  }
}

/** A rotation put a life in the place of another one. */
export function succeed(ended: Life, began: Life): void {
  began.chain = ended.chain;
  began.place = ended.chain.push(began) - 1;
}

/** What a rotation put in the place of this life. */
export const successorOf = ({ chain, place }: Life): Life | undefined => chain[place + 1];

/** Whether the life took the place of the other one, itself or after others. */
export const isSuccessor = (life: Life, of: Life): boolean => life.chain === of.chain && life.place > of.place;

/** The first state in which no successor of this life is live any more, nor the life itself. */
export const chainEndOf = ({ chain }: Life): number => chain.at(-1)?.to ?? 0;

/** The key began or ended to be live, or is live in another incarnation. */
export const isOtherLife = ({ before, after }: Changed<KeyState>): boolean =>
  (before?.live === true) !== (after?.live === true) ||
  (before?.live === true && before.incarnation !== after?.incarnation);

export function subjectOf<T>({ before, after }: Changed<T>): T {
  const subject = after ?? before;
  if (subject === undefined) throw new TypeError('a change needs a document');
  return subject;
}

export const proxyOf = (rest: string): string => String((JSON.parse(rest) as { proxyId?: unknown }).proxyId);

/** The one that has not ended. */
function now<T extends Stay<unknown>>(stays: readonly T[] | undefined): T | undefined {
  const last = stays?.at(-1);
  return last?.to === Infinity ? last : undefined;
}

function end(stays: readonly Stay<unknown>[] | undefined, state: number): void {
  const last = now(stays);
  if (last !== undefined) last.to = state;
}

function append<T>(all: Map<string, T[]>, id: string, stay: T): void {
  const stays = all.get(id);
  if (stays === undefined) all.set(id, [stay]);
  else stays.push(stay);
}
