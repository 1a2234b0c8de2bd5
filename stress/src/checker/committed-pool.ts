import type { BackupState, BindingState, KeyState, PoolState } from '../model/pool-state.ts';
import type { PoolCommit } from './rotation-run.ts';

/** The pool as one commit after the other makes it. A step takes time for what the commit touches, not for the whole pool. */
export class CommittedPool {
  readonly #keys: Map<string, KeyState>;
  readonly #backups: Map<string, BackupState>;
  /** By the key that they point to: how many of them are alike. */
  readonly #bindings = new Map<string, Map<string, number>>();
  readonly #archived: Set<string> | undefined;
  readonly #brake: PoolState['brake'];
  #claimed = 0;

  constructor({ keys, backups, bindings, archived, brake }: PoolState) {
    this.#keys = new Map(keys);
    this.#backups = new Map(backups);
    for (const binding of bindings) this.#bind(binding, 1);
    this.#archived = archived === undefined ? undefined : new Set(archived);
    this.#brake = brake;
  }

  /** Documents of these keys and backups as they are now, and all bindings of these keys. */
  part(ids: ReadonlySet<string>): PoolState {
    const all = [...ids];
    const archived = this.#archived;
    const brake = this.#brake;
    return {
      keys: pick(this.#keys, all),
      backups: pick(this.#backups, all),
      bindings: all.flatMap((id) => this.#boundTo(id)),
      ...(archived === undefined ? {} : { archived: new Set(all.filter((id) => archived.has(id))) }),
      ...(brake === undefined ? {} : { brake: { ...brake, made: brake.made + this.#claimed } }),
    };
  }

  apply({ writes }: PoolCommit): void {
    for (const write of writes) {
      if (write.of === 'key') put(this.#keys, write);
      else if (write.of === 'backup') {
        put(this.#backups, write);
        if (isClaim(write)) this.#claimed++;
      } else if (write.of === 'archive') this.#archived?.add(write.keyId);
      else {
        if (write.before !== undefined) this.#bind(write.before, -1);
        if (write.after !== undefined) this.#bind(write.after, 1);
      }
    }
  }

  #bind({ keyId, rest }: BindingState, count: 1 | -1): void {
    const bound = this.#bindings.get(keyId) ?? new Map<string, number>();
    this.#bindings.set(keyId, bound);
    const now = (bound.get(rest) ?? 0) + count;
    if (now > 0) bound.set(rest, now);
    else bound.delete(rest);
  }

  #boundTo(keyId: string): BindingState[] {
    return [...(this.#bindings.get(keyId) ?? [])].flatMap(([rest, count]) =>
      Array.from({ length: count }, () => ({ keyId, rest })),
    );
  }

  /** Everything, as it is now. */
  get state(): PoolState {
    const bindings = [...this.#bindings.keys()].flatMap((id) => this.#boundTo(id));
    return { keys: this.#keys, backups: this.#backups, bindings };
  }
}

const pick = <State>(all: ReadonlyMap<string, State>, ids: readonly string[]): Map<string, State> =>
  new Map(
    ids.flatMap((id) => {
      const state = all.get(id);
      return state === undefined ? [] : [[id, state] as const];
    }),
  );

function put<State extends { readonly id: string }>(
  all: Map<string, State>,
  { before, after }: { readonly before?: State; readonly after?: State },
): void {
  if (after !== undefined) all.set(after.id, after);
  else if (before !== undefined) all.delete(before.id);
}

/** A backup was taken for a key. */
export const isClaim = ({ before, after }: { readonly before?: BackupState; readonly after?: BackupState }): boolean =>
  after?.isUsed === true && (before?.isUsed !== true || before.usedFor !== after.usedFor);

/** Keys and backups that a commit touches: those that it writes, those that backups are used for, and those that bindings point to. */
export function touchedBy({ writes }: PoolCommit): Set<string> {
  const ids = new Set<string>();
  for (const write of writes) {
    if (write.of === 'archive') ids.add(write.keyId);
    else
      for (const state of [write.before, write.after])
        if (state !== undefined) for (const id of idsOf(state)) ids.add(id);
  }
  return ids;
}

const idsOf = (state: KeyState | BackupState | BindingState): readonly string[] => {
  if ('keyId' in state) return [state.keyId];
  return 'usedFor' in state && state.usedFor !== undefined ? [state.id, state.usedFor] : [state.id];
};

/** As in `after commit 3 of 7`. */
export const afterCommit = (index: number, { length }: readonly PoolCommit[]): string =>
  `after commit ${index + 1} of ${length}`;
