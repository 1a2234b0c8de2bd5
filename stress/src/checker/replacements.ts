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

/** Linear in the number of documents and operations. */
export function readReplacements(start: PoolState, state: PoolState, history: RotationHistory): Replacements {
  const takenFor = groupBy(
    [...state.backups.values()].filter(
      (backup) => backup.isUsed && start.backups.get(backup.id)?.content !== backup.content,
    ),
    ({ usedFor }) => usedFor ?? '(nothing)',
  );
  const winners = groupBy(
    history.operations.filter(({ answer }) => answer.kind === 'rotated'),
    ({ keyId }) => keyId,
  );
  const boundKeys = new Set(state.bindings.map(({ keyId }) => keyId));
  const isInstalled = (id: string): boolean => state.keys.has(id) || takenFor.has(id);

  const replacementOf = (keyId: string): string | undefined => {
    const taken = takenFor.get(keyId) ?? [];
    const told = new Set(
      (winners.get(keyId) ?? []).flatMap(({ answer }) => (answer.kind === 'rotated' ? [answer.replacement] : [])),
    );
    return (
      taken.find(({ id }) => told.has(id) && boundKeys.has(id)) ??
      taken.find(({ id }) => told.has(id) && isInstalled(id)) ??
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

  const callerOfRotation = new Map(
    history.operations.flatMap(({ answer, caller }) =>
      answer.kind === 'rotated' && answer.rotationId !== undefined ? [[answer.rotationId, caller] as const] : [],
    ),
  );
  const claimants = new Map(
    history.claims.map(({ backupId, caller, rotationId }) => [
      backupId,
      caller ?? (rotationId === undefined ? undefined : callerOfRotation.get(rotationId)),
    ]),
  );
  const claimant = (backupId: string): string => {
    const caller = claimants.get(backupId);
    return caller === undefined ? 'somebody' : `caller ${caller}`;
  };

  return { takenFor, replacementOf, liveEndOf, claimant };
}

export function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  return Map.groupBy(items, keyOf);
}
