import type { KeyState, PoolState } from '../model/pool-state.ts';
import { groupBy } from './replacements.ts';
import type { PoolCommit } from './rotation-run.ts';

/** What a start state shows of rotations that were over when the run began. Linear in its documents. */
export interface PastRotations {
  /**
   * The backup that took a key's place. Older flows left several for one key, of which one serves: the one whose chain ends in a
   * live key counts.
   */
  readonly replacementOf: (keyId: string) => string | undefined;
  /** Keys that look live, but an older flow kept them after their rotation without a mark. */
  readonly keptUnmarked: ReadonlyMap<string, KeyState>;
}

export function readPast({ keys, backups, bindings }: PoolState): PastRotations {
  const usedFor = groupBy(
    [...backups.values()].filter(({ isUsed }) => isUsed),
    (backup) => backup.usedFor ?? '',
  );
  const leading = new Map<string, boolean>();
  /** Is it a live key, or was it followed by one? */
  const leads = (id: string): boolean => {
    const known = leading.get(id);
    if (known !== undefined) return known;
    leading.set(id, false); // a chain that comes back to here leads nowhere
    const found = keys.get(id)?.live === true || (usedFor.get(id) ?? []).some((next) => leads(next.id));
    leading.set(id, found);
    return found;
  };
  const replacementOf = (keyId: string): string | undefined => {
    const used = usedFor.get(keyId) ?? [];
    return (used.find(({ id }) => leads(id)) ?? used[0])?.id;
  };

  const bound = new Set(bindings.map(({ keyId }) => keyId));
  const keptUnmarked = [...keys.values()].filter(
    ({ id, live, mayBeKept }) =>
      live && mayBeKept === true && !bound.has(id) && (usedFor.get(id) ?? []).some((next) => leads(next.id)),
  );
  return { replacementOf, keptUnmarked: new Map(keptUnmarked.map((key) => [key.id, key])) };
}

/** A state at the end of a run, in which the keys are not live that an older flow replaced and kept without a mark. */
export const retireUnmarked = (state: PoolState): PoolState => retireKept(state, readPast(state));

/** The same state, in which the kept keys are not live, as long as nobody touched them. */
export function retireKept(state: PoolState, { keptUnmarked }: PastRotations): PoolState {
  if (keptUnmarked.size === 0) return state;
  const keys = [...state.keys].map(([id, key]): [string, KeyState] => [id, retire(key, keptUnmarked)]);
  return { ...state, keys: new Map(keys) };
}

/** The same commit, of a pool whose kept keys are not live. */
export function retireKeptIn(commit: PoolCommit, { keptUnmarked }: PastRotations): PoolCommit {
  if (keptUnmarked.size === 0) return commit;
  const writes = commit.writes.map((write) => {
    if (write.of !== 'key') return write;
    const { before, after } = write;
    return {
      ...write,
      ...(before === undefined ? {} : { before: retire(before, keptUnmarked) }),
      ...(after === undefined ? {} : { after: retire(after, keptUnmarked) }),
    };
  });
  return { ...commit, writes };
}

const retire = (key: KeyState, keptUnmarked: PastRotations['keptUnmarked']): KeyState =>
  keptUnmarked.get(key.id)?.content === key.content ? { ...key, live: false } : key;
