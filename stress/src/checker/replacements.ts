import type { BackupState, PoolState } from '../model/pool-state.ts';
import type { RotationHistory } from './rotation-run.ts';

/** Who took which backup for which key during a run, as far as a state and what callers were told show it. */
export interface Replacements {
  /** Backups that this run took, by the key that they were taken for. */
  readonly takenFor: ReadonlyMap<string, readonly BackupState[]>;
  /** The one that took the key's place, if any. */
  readonly replacementOf: (keyId: string) => string | undefined;
  /** The live key at the end of the chain that begins with this key, if any. */
  readonly liveEndOf: (keyId: string) => string | undefined;
  /** "caller 7", or "somebody" where nothing tells. */
  readonly claimant: (backupId: string) => string;
}

/** What callers were told of rotations, and who claimed what. Of a whole run, for all of its states. */
export interface Told {
  /** Backups that callers of this key were told as their rotation's. */
  readonly replacementsOf: (keyId: string) => ReadonlySet<string>;
  /** "caller 7", or "somebody" where nothing tells. */
  readonly claimant: (backupId: string) => string;
}

/** Linear in the number of operations. */
export function readTold({ operations, claims }: RotationHistory): Told {
  const replacements = new Map<string, Set<string>>();
  const callerOfRotation = new Map<string, number>();
  for (const { keyId, answer, caller } of operations) {
    if (answer.kind !== 'rotated') continue;
    replacements.set(keyId, (replacements.get(keyId) ?? new Set()).add(answer.replacement));
    if (answer.rotationId !== undefined) callerOfRotation.set(answer.rotationId, caller);
  }
  const claimants = new Map(
    claims.map(({ backupId, caller, rotationId }) => [
      backupId,
      caller ?? (rotationId === undefined ? undefined : callerOfRotation.get(rotationId)),
    ]),
  );
  return {
    replacementsOf: (keyId) => replacements.get(keyId) ?? NONE,
    claimant: (backupId) => {
      const caller = claimants.get(backupId);
      return caller === undefined ? 'somebody' : `caller ${caller}`;
    },
  };
}

const NONE: ReadonlySet<string> = new Set();

/** Linear in the number of documents. */
export function readReplacements(start: PoolState, state: PoolState, told: Told): Replacements {
  const takenFor = groupBy(
    [...state.backups.values()].filter(
      (backup) => backup.isUsed && start.backups.get(backup.id)?.content !== backup.content,
    ),
    ({ usedFor }) => usedFor ?? '(nothing)',
  );
  const boundKeys = new Set(state.bindings.map(({ keyId }) => keyId));
  const isInstalled = (id: string): boolean => state.keys.has(id) || takenFor.has(id);

  const replacementOf = (keyId: string): string | undefined => {
    const taken = takenFor.get(keyId) ?? [];
    const named = told.replacementsOf(keyId);
    return (
      taken.find(({ id }) => named.has(id) && boundKeys.has(id)) ??
      taken.find(({ id }) => named.has(id) && isInstalled(id)) ??
      taken.find(({ id }) => boundKeys.has(id)) ??
      taken.find(({ id }) => isInstalled(id))
    )?.id;
  };

  const liveEndOf = (keyId: string): string | undefined => {
    const seen = new Set<string>();
    let id: string | undefined = replacementOf(keyId);
    while (id !== undefined && !seen.has(id)) {
      if (state.keys.get(id)?.live === true) return id;
      seen.add(id);
      id = replacementOf(id);
    }
    return undefined;
  };

  return { takenFor, replacementOf, liveEndOf, claimant: told.claimant };
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf);
}
